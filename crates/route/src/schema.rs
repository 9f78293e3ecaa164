//! How rules are described to those who write them as JSON.

use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::rule::Target;
use crate::written::Patterns;

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(description))
}

impl PartialSchema for Patterns {
    fn schema() -> RefOr<Schema> {
        let one = text("One pattern.").examples(["44*"]);
        let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number));
        let list = ArrayBuilder::new().items(text("One of them."));
        let description = "A pattern, or a list of them: one of the plain ones has to hold, if there are any, and none of those after !.";
        RefOr::T(Schema::AnyOf(
            AnyOfBuilder::new().item(one).item(number).item(list).description(Some(description)).build(),
        ))
    }
}

impl ToSchema for Patterns {}

impl PartialSchema for Target {
    fn schema() -> RefOr<Schema> {
        let name = text("The name of a connector or account.");
        let number = |least: f64| {
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number)).minimum(Some(least))
        };
        let table = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .property("name", text("The name of a connector or account."))
            .required("name")
            .property("weight", number(0.0))
            .property("cost", number(0.0))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        RefOr::T(Schema::AnyOf(
            AnyOfBuilder::new().item(name).item(table).description(Some("One way out.")).build(),
        ))
    }
}

impl ToSchema for Target {}
