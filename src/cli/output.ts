import { unwritable } from "../files.ts";

const failure = new AbortController();

/** Aborted, with the error to report, once standard output cannot be written: going on would be in vain. */
export const outputFailure: AbortSignal = failure.signal;

/**
 * Watches standard output until this process ends, and calls `report` then if it could not be written. A reader that has
 * gone (EPIPE) is no failure.
 */
export function watchOutput(report: (error: unknown) => void): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") failure.abort(unwritable("standard output", error));
  });
  process.once("exit", () => {
    if (outputFailure.aborted) report(outputFailure.reason);
  });
}
