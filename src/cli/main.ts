#!/usr/bin/env node
import { outputFailure, watchOutput } from "./output.ts";
import { createProgram } from "./program.ts";
import { exitCodeOf } from "./run.ts";

const debug = process.argv.includes("--debug");
watchOutput((error) => {
  process.exitCode = exitCodeOf(error, debug);
});

try {
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  if (!outputFailure.aborted) process.exitCode = exitCodeOf(error, debug);
}
