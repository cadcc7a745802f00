import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { environment } from "../support/environment.ts";

/** The built command line. */
export const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What it reads from the standard input. */
  readonly input?: string | Uint8Array;
  /** Whether more could come after `input`. */
  readonly staysOpen?: boolean;
  /** Called at once. */
  readonly started?: (pid: number) => void;
  /** Called when it has written to stdout. */
  readonly after?: (pid: number) => void;
}

/** Runs the built command line as a user does. */
export function twindnn(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args], { env: environment });
  options.started?.(child.pid!);
  let [stdout, stderr] = ["", ""];
  let told = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (!told) options.after?.(child.pid!);
    told = true;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error; // it may end without reading all
  });
  child.stdin.write(options.input ?? "");
  if (options.staysOpen !== true) child.stdin.end();
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}
