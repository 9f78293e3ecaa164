// The program `stage` as a child process: a gateway, and a simulator behind it unless there are other centres.
"use strict";

const { spawn } = require("node:child_process");
const path = require("node:path");
const readline = require("node:readline");
const { PATIENCE_MS, afterwards, soon } = require("../lib/peer");

class Stage {
  static async set(wanted = {}) {
    const stage = new Stage();
    const command = [path.join(__dirname, "stage"), JSON.stringify(wanted)];
    const child = spawn("python3", command, { stdio: ["pipe", "pipe", "inherit"] });
    // It ends what it started when its input ends.
    afterwards(() => child.stdin.end());
    stage.child = child;
    stage.lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ports = await stage.line();
    [stage.port, stage.tlsPort] = [ports.port, ports.tls_port];
    return stage;
  }

  async line() {
    const { value, done } = await soon(this.lines.next(), "a line from the stage");
    if (done) throw new Error("the stage ended");
    return JSON.parse(value);
  }

  /** Has it done; see `stage`. */
  do(...words) {
    this.child.stdin.write(words.join(" ") + "\n");
    return this.line();
  }

  /** Asks until the answer is right, and gives it. */
  async until(word, isRight) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.do(word);
      if (isRight(answer)) return answer;
      if (Date.now() > deadline) throw new Error(`${word} is still ${JSON.stringify(answer).slice(0, 300)}`);
    }
  }

  /** The submit_sm that the simulator read; waits for so many. */
  submitted(count) {
    return this.until("submitted", (found) => found.length >= count);
  }

  /** Waits until nothing is under way, and fails unless all that was taken has ended. */
  async conserved() {
    const { messages } = await this.until("status", ({ messages }) => messages.open === 0);
    if (!messages.is_conserved) throw new Error(`it does not add up: ${JSON.stringify(messages)}`);
  }
}

module.exports = { Stage };
