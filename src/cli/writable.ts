import { constants, existsSync, statSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InputError } from "../errors.ts";

/** Refuses output files whose folder cannot be written to, before the work that they are to report. Throws InputError. */
export async function proveWritable(...outputs: readonly (string | true | undefined)[]): Promise<void> {
  for (const path of outputs) {
    if (typeof path !== "string" || (existsSync(path) && !statSync(path).isFile())) continue;
    const folder = dirname(resolve(path));
    await access(folder, constants.W_OK).catch((cause: unknown) => {
      throw new InputError(folder, "cannot be written to; check the path and its permissions", { cause });
    });
  }
}
