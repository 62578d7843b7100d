#!/usr/bin/env node
import module from "node:module";

// From Node 22 on, compiled code is kept between runs.
if ("enableCompileCache" in module && typeof module.enableCompileCache === "function")
  module.enableCompileCache();
// Stacks name the sources: this file is bundled.
if (process.argv.some((word) => word === "--verbose" || word === "-v")) process.setSourceMapsEnabled(true);
// On Node 20 the AWS SDK warns about the Node it will need one day, which the user of a command cannot change.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const { runProcess } = await import("../commands/run-process.ts");
await runProcess();
