// What a browser must find at the console.
"use strict";

const { main } = require("../lib/peer");

require("./page_cases");

main();
