import { constants, existsSync, statSync } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";

/**
 * Refuses output files whose folder cannot be written to, and those that a twin consists of, before the work that they are to
 * report. Throws InputError.
 */
export async function proveWritable(...outputs: readonly (string | true | undefined)[]): Promise<void> {
  for (const path of outputs) {
    if (typeof path !== "string" || (existsSync(path) && !statSync(path).isFile())) continue;
    const folder = dirname(resolve(path));
    await refuseTwinsOwn(folder, basename(path));
    await access(folder, constants.W_OK).catch((cause: unknown) => {
      throw new InputError(folder, "cannot be written to; check the path and its permissions", { cause });
    });
  }
}

async function refuseTwinsOwn(folder: string, file: string): Promise<void> {
  const manifest = await readFile(join(folder, "twin.json"), "utf8").catch(() => undefined);
  if (manifest === undefined || !(file === "twin.json" || manifest.includes(JSON.stringify(file)))) return;
  throw new InputError(join(folder, file), "is part of a twin, which it would destroy; choose another file");
}
