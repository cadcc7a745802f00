import { readFile } from "node:fs/promises";
import { z } from "zod";
import { InputError } from "../errors.ts";

/** Files of something else, read as text, hold these. */
const noText = /[\p{Cc}\uFFFD]/u;
const Name = z
  .string()
  .min(1)
  .refine((name) => !noText.test(name));
const Names = z.array(Name).min(1);

/**
 * Reads class names in label order: one a line, or a JSON array of strings.
 *
 * @throws InputError when the file is missing, empty, no text, or has an empty line among its names
 */
export async function readLabels(path: string): Promise<readonly string[]> {
  const text = await readText(path);
  const names = Names.safeParse(text.trimStart().startsWith("[") ? parseJson(text, path) : lines(text));
  if (names.success) return names.data;
  throw new InputError(
    path,
    "is no list of class names; write one a line, as text without empty lines, or a JSON array of strings",
  );
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
