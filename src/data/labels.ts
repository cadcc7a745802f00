import { readFile } from "node:fs/promises";
import { z } from "zod";
import { InputError } from "../errors.ts";

const Names = z.array(z.string().min(1)).min(1);

/**
 * Reads class names in label order: one a line, or a JSON array of strings.
 *
 * @throws InputError when the file is missing, empty, has an empty line among its names, or a name twice
 */
export async function readLabels(path: string): Promise<readonly string[]> {
  const text = await readText(path);
  const isJson = text.trimStart().startsWith("[");
  const names = Names.safeParse(isJson ? parseJson(text, path) : lines(text));
  if (names.success) return distinct(names.data, path, isJson ? "entries" : "lines");
  throw new InputError(
    path,
    "is no list of class names; write one a line, without empty lines, or a JSON array of strings",
  );
}

/** Throws InputError where a name stands twice; `unit` is what its places are counted in. */
function distinct(names: readonly string[], path: string, unit: string): readonly string[] {
  const second = names.findIndex((name, index) => names.indexOf(name) < index);
  if (second < 0) return names;
  const name = names[second]!;
  const places = `in ${unit} ${names.indexOf(name) + 1} and ${second + 1}`;
  throw new InputError(path, `names the class ${JSON.stringify(name)} twice, ${places}; give each its own name`);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new InputError(path, "cannot be read; check the path and its permissions", { cause });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(path, "starts like a JSON array but is none", { cause });
  }
}

function lines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
}
