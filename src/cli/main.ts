#!/usr/bin/env node
import { createProgram } from "./program.ts";
import { exitCodeOf } from "./run.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error, process.argv.includes("--debug"));
}
