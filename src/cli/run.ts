import { constants } from "node:os";
import { styleText } from "node:util";
import { CommanderError } from "@commander-js/extra-typings";
import { TwinError } from "../errors.ts";
import { outputFailure } from "./output.ts";

/** The last signal that interrupted an action. */
let interruption: "SIGINT" | "SIGTERM" = "SIGINT";

/**
 * Runs an action that Ctrl-C, SIGTERM or a failing standard output interrupts through `signal`. The process is never ended from outside: a lane may be inside a native call, and
 * ending it there aborts the process.
 */
export async function interruptible<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (signal: typeof interruption): void => {
    interruption = signal;
    controller.abort();
  };
  process.on("SIGINT", abort).on("SIGTERM", abort);
  try {
    return await action(AbortSignal.any([controller.signal, outputFailure]));
  } finally {
    controller.abort(); // what is still awaited, such as a standard input that nobody closes, is not any more
    process.off("SIGINT", abort).off("SIGTERM", abort);
  }
}

/** Turns what a command threw into one line on stderr and an exit code. */
export function exitCodeOf(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Error && error.name === "AbortError") {
    process.stderr.write("twindnn: interrupted\n");
    return 128 + constants.signals[interruption];
  }
  process.stderr.write(`${styleText("red", "twindnn:", { stream: process.stderr })} ${describe(error, debug)}\n`);
  return error instanceof TwinError ? error.exitCode : 1;
}

function describe(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `unexpected error: ${String(error)}`;
  if (debug) return error.stack ?? error.message;
  if (error instanceof TwinError) return error.message;
  if (/\bEMFILE\b/.test(error.message)) {
    return `too many files are open (${error.message}); raise the limit, such as with "ulimit -n 1024"`;
  }
  return `unexpected error: ${error.message} (a defect of twindnn; please report it with the output of --debug)`;
}
