#!/usr/bin/env node
import module from "node:module";
import { setFlagsFromString } from "node:v8";

// From Node 22 on, compiled code is kept between runs.
if ("enableCompileCache" in module && typeof module.enableCompileCache === "function")
  module.enableCompileCache();
// The V8 of Node 20 optimises functions so early that compiling takes a third of the processor time of a command of two seconds, on
// threads that compete with the work (docs/decisions/0017). With this many bytes of bytecode run, a longer command is optimised as
// before. Later ones decide otherwise, and complain about the flag.
const isBudgetKnown = process.versions.v8.startsWith("11.");
if (isBudgetKnown && !process.execArgv.some((flag) => flag.includes("interrupt-budget")))
  setFlagsFromString("--interrupt-budget=2000000");
// Stacks name the sources: this file is bundled.
if (process.argv.some((word) => word === "--verbose" || word === "-v")) process.setSourceMapsEnabled(true);
// On Node 20 the AWS SDK warns about the Node it will need one day, which the user of a command cannot change.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const { runProcess } = await import("../commands/run-process.ts");
await runProcess();
