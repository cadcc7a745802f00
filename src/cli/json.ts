import { writeWhole } from "../files.ts";
import { print } from "./terminal.ts";

/** Writes a value as JSON to the file given with `--json`, or to stdout when the option stands alone. */
export async function writeJson(target: string | true, value: unknown): Promise<void> {
  const text = JSON.stringify(value, null, 2);
  if (target === true) print(text);
  else await writeWhole(target, `${text}\n`);
}
