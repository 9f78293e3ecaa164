// What a browser must find at the console.
"use strict";

const { main } = require("../lib/peer");

require("./page_cases");
require("./hostile_cases");
require("./sign_in_cases");
require("./key_cases");
require("./state_cases");
require("./work_cases");
require("./client_cases");
require("./message_cases");
require("./change_cases");
require("./simulator_cases");
require("./search_cases");
require("./load_cases");

// Browsers are slow where there are few processors, and the live table may be watched for long.
main(570_000 + 1_000 * Number(process.env.SMPPKIT_CONSOLE_SECONDS ?? 0));
