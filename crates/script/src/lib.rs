//! Sandboxed scripts over named values, for what rules cannot say.
//!
//! A script is [rhai](https://rhai.rs) and has one function, `decide(pdu)` or `decide(pdu, memory)`:
//! it is given a map and gives a map back. `memory` is a map that stays from call to call. There are
//! no files, no sockets, no clock, no `eval` and no modules; work, depth and sizes are limited, so
//! that a script that runs away is an error, and nothing worse.
//!
//! ```
//! use serde_json::json;
//! use smppkit_script::Script;
//!
//! let script = Script::compile(r#"
//!     fn decide(pdu, memory) {
//!         memory.seen = (memory.seen ?? 0) + 1;
//!         if memory.seen > 1 { #{ status: "ESME_RTHROTTLED" } } else { #{} }
//!     }
//! "#)?;
//! let pdu = json!({"destination_addr": "4477"});
//! assert_eq!(script.decide(&pdu, 0)?, json!({}));
//! assert_eq!(script.decide(&pdu, 0)?, json!({"status": "ESME_RTHROTTLED"}));
//! # Ok::<(), smppkit_script::ScriptError>(())
//! ```
#![forbid(unsafe_code)]

use core::fmt;
use std::sync::{Mutex, PoisonError};

use rhai::packages::{Package, StandardPackage};
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, ParseError, Position, Scope};
use serde_json::Value;

/// A script, compiled.
pub struct Script {
    engine: Engine,
    ast: AST,
    /// Whether `decide` takes the memory, too.
    remembers: bool,
    memory: Mutex<Dynamic>,
}

/// What is wrong with a script, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// The function that is called.
const DECIDE: &str = "decide";
/// Operations of one call: some milliseconds.
const OPERATIONS: u64 = 100_000;
/// Functions within functions.
const CALLS: usize = 32;
/// Expressions within expressions, at the top and within functions.
const DEPTHS: (usize, usize) = (64, 32);
/// Octets of a text: as long as a PDU can be.
const TEXT_OCTETS: usize = 64 * 1024;
/// Items of an array; entries of a map, the memory among them.
const ITEMS: usize = 10_000;

impl Script {
    /// Compiles a source text.
    pub fn compile(source: &str) -> Result<Self, ScriptError> {
        let engine = engine();
        let ast = engine.compile(source)?;
        let parameters = ast.iter_functions().filter(|function| function.name == DECIDE);
        let parameters: Vec<usize> = parameters.map(|function| function.params.len()).collect();
        let remembers = match parameters.as_slice() {
            [1] => false,
            [2] => true,
            _ => {
                let message = "there must be one function decide(pdu) or decide(pdu, memory)".to_owned();
                return Err(ScriptError { line: None, column: None, message });
            }
        };
        let memory = Mutex::new(Dynamic::from_map(rhai::Map::new()).into_shared());
        Ok(Self { engine, ast, remembers, memory })
    }

    /// Calls `decide`. The map it is given has `chance` besides: a number from 0 to 999,999 made of
    /// `draw`.
    pub fn decide(&self, pdu: &Value, draw: u64) -> Result<Value, ScriptError> {
        let mut pdu = rhai::serde::to_dynamic(pdu)?;
        if let Ok(mut map) = pdu.as_map_mut() {
            map.insert("chance".into(), Dynamic::from_int((draw % 1_000_000).cast_signed()));
        }
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let arguments = if self.remembers { vec![pdu, memory.clone()] } else { vec![pdu] };
        let options = CallFnOptions::new().eval_ast(true);
        let said: Dynamic =
            self.engine.call_fn_with_options(options, &mut Scope::new(), &self.ast, DECIDE, arguments)?;
        drop(memory);
        if said.is_unit() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        if !said.is_map() {
            let message = format!("decide must give a map, such as #{{}}, not {}", said.type_name());
            return Err(ScriptError { line: None, column: None, message });
        }
        Ok(rhai::serde::from_dynamic(&said)?)
    }

    /// Forgets what `memory` holds.
    pub fn forget(&self) {
        let empty = Dynamic::from_map(rhai::Map::new()).into_shared();
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = empty;
    }
}

fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    StandardPackage::new().register_into_engine(&mut engine);
    engine.set_max_operations(OPERATIONS);
    engine.set_max_call_levels(CALLS);
    engine.set_max_expr_depths(DEPTHS.0, DEPTHS.1);
    engine.set_max_string_size(TEXT_OCTETS);
    engine.set_max_array_size(ITEMS);
    engine.set_max_map_size(ITEMS);
    engine.set_max_functions(100);
    engine.set_max_variables(200);
    engine.disable_symbol("eval");
    // The standard functions have one that stops the thread: calling it is an error instead.
    engine.register_fn("sleep", |_: Dynamic| -> Result<(), Box<EvalAltResult>> {
        Err("a script may not wait".into())
    });
    engine.register_fn("sleep", |_: i64| -> Result<(), Box<EvalAltResult>> {
        Err("a script may not wait".into())
    });
    engine.register_fn("sleep", |_: f64| -> Result<(), Box<EvalAltResult>> {
        Err("a script may not wait".into())
    });
    engine.on_print(|_| {});
    engine.on_debug(|_, _, _| {});
    engine
}

impl ScriptError {
    fn at(position: Position, message: String) -> Self {
        Self { line: position.line(), column: position.position(), message }
    }
}

impl From<ParseError> for ScriptError {
    fn from(error: ParseError) -> Self {
        Self::at(error.position(), error.err_type().to_string())
    }
}

impl From<Box<EvalAltResult>> for ScriptError {
    fn from(mut error: Box<EvalAltResult>) -> Self {
        let position = error.take_position();
        Self::at(position, error.to_string())
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ScriptError {}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decide(source: &str) -> Result<Value, ScriptError> {
        Script::compile(source)?
            .decide(&json!({"destination_addr": "447700900123", "tlvs": [{"tag": 1}]}), 42)
    }

    #[test]
    fn fields_are_read_by_name_and_a_map_comes_back() {
        let said = decide(
            r#"fn decide(pdu) {
                if pdu.destination_addr.ends_with("123") && pdu.tlvs[0].tag == 1 {
                    #{ state: "EXPIRED", error_code: 7, draw: pdu.chance }
                }
            }"#,
        );
        assert_eq!(said, Ok(json!({"state": "EXPIRED", "error_code": 7, "draw": 42})));
        assert_eq!(decide("fn decide(pdu) {}"), Ok(json!({})));
    }

    #[test]
    fn what_runs_away_or_grows_without_end_is_an_error() {
        for source in [
            "fn decide(pdu) { loop {} }",
            "fn decide(pdu) { decide(pdu) }",
            "fn decide(pdu) { let s = \"x\"; loop { s += s; } }",
            "fn decide(pdu) { let a = []; loop { a.push(a); } }",
            "fn decide(pdu, memory) { let i = 0; loop { memory[i.to_string()] = i; i += 1; } }",
        ] {
            assert!(decide(source).is_err(), "{source}");
        }
    }

    #[test]
    fn there_is_no_way_out() {
        for source in [
            "fn decide(pdu) { eval(\"1\") }",
            "import \"x\" as x; fn decide(pdu) {}",
            "fn decide(pdu) { open(\"/etc/passwd\") }",
            "fn decide(pdu) { timestamp() }",
            "fn decide(pdu) { sleep(1) }",
            "fn decide(pdu) { sleep(1.0) }",
        ] {
            assert!(decide(source).is_err(), "{source}");
        }
    }

    #[test]
    fn errors_have_a_place_and_say_what_is_wanted() {
        let error = decide("fn decide(pdu) {\n  let x = ;\n}").unwrap_err();
        assert_eq!(error.line, Some(2), "{error}");
        let error = decide("fn decide(pdu) {\n  pdu.nothing.more\n}").unwrap_err();
        assert_eq!(error.line, Some(2), "{error}");
        assert!(decide("fn other(pdu) {}").unwrap_err().message.contains("decide(pdu)"));
        assert!(decide("fn decide(pdu) { 7 }").unwrap_err().message.contains("must give a map"));
    }

    #[test]
    fn memory_can_be_forgotten() {
        let script =
            Script::compile("fn decide(pdu, memory) { memory.n = (memory.n ?? 0) + 1; #{n: memory.n} }");
        let script = script.unwrap();
        let count = || script.decide(&json!({}), 0).unwrap();
        assert_eq!((count(), count()), (json!({"n": 1}), json!({"n": 2})));
        script.forget();
        assert_eq!(count(), json!({"n": 1}));
    }
}
