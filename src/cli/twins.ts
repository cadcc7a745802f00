import { readFile } from "node:fs/promises";
import { InputError } from "../errors.ts";
import type { Plan } from "../lanes/index.ts";
import { parsePlan, type Twin } from "../twin/index.ts";
import type { Terminal } from "./terminal.ts";

/** Reads the file of `--plan`; nothing when the option was not given. */
export async function readPlan(path: string | undefined): Promise<Plan | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new InputError(path, "cannot be read; check the path", { cause });
  }
  return parsePlan(text, path);
}

/** Says so when a twin answers with its original alone. */
export function reportMismatch(terminal: Terminal, twin: Twin): void {
  if (twin.mismatch !== undefined) terminal.warn(`${twin.mismatch}; answering with the original alone`);
}
