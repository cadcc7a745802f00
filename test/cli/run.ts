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

/** Runs the built command line as a user does. `started` is called at once, `after` when it has written to stdout. */
export function twindnn(
  args: readonly string[],
  options: { input?: string | Uint8Array; started?: (pid: number) => void; after?: (pid: number) => void } = {},
): Promise<Run> {
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
  child.stdin.end(options.input ?? "");
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}
