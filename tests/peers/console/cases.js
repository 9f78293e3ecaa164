// What a browser must find at the console.
"use strict";

const { main } = require("../lib/peer");

require("./page_cases");
require("./hostile_cases");
require("./sign_in_cases");
require("./key_cases");
require("./state_cases");
require("./work_cases");
require("./load_cases");

main();
