// What node-smpp must find at the simulator.
"use strict";

const { main } = require("../lib/peer");

require("./session_cases");
require("./message_cases");
require("./ancillary_cases");
require("./broadcast_cases");
require("./transport_cases");

main();
