import { readFile } from "node:fs/promises";
import { InputError, UsageError, unknownValue } from "../errors.ts";
import { readBytes } from "../files.ts";
import { parseLine } from "./sources/labels-csv.ts";
import type { ImageSource } from "./types.ts";

const heading = "file,class";

/** The lines of a table of images to label: a heading, then `<file>,` a line, the class left open. */
export function labelList(names: readonly string[]): string {
  const quoted = names.map((name) => (/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name));
  return [heading, ...quoted.map((name) => `${name},`), ""].join("\n");
}

/** Refuses to write a list where one lies in which classes are filled in. @throws UsageError */
export async function refuseFilledList(path: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (filledLines(text).length === 0) return;
  throw new UsageError(`${path}: classes are filled in there, which a new list would replace; choose another file`);
}

/**
 * Reads such a table back: the class of each image that has one by now, by name or by number.
 *
 * @throws InputError for a line that is none, a class that is not known, or two of one image
 */
export async function readLabelList(path: string, classes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const text = new TextDecoder().decode(await readBytes(path, "check the path"));
  if (text.split(/\r?\n/, 1)[0]?.replace("\uFEFF", "").trim() !== heading) {
    throw new InputError(path, `does not begin with the heading ${heading}`);
  }
  const labels = new Map<string, number>();
  for (const { line, number } of filledLines(text)) {
    const where = `${path}, line ${number}`;
    const { file, value } = parseLine(line, number, path);
    const label = classOf(value, classes, where);
    if ((labels.get(file) ?? label) !== label) throw new InputError(where, `gives ${file} a second class`);
    labels.set(file, label);
  }
  return labels;
}

/** Lines with a class, and their numbers. */
function filledLines(text: string): { line: string; number: number }[] {
  const [, ...lines] = text.split(/\r?\n/);
  return lines
    .map((line, index) => ({ line, number: index + 2 }))
    .filter(({ line }) => line.trim() !== "" && !/,\s*$/.test(line));
}

function classOf(value: string, classes: readonly string[], where: string): number {
  const named = classes.indexOf(value);
  if (named >= 0) return named;
  if (/^\d+$/.test(value) && Number(value) < classes.length) return Number(value);
  throw new InputError(where, unknownValue("class", value, classes));
}

/**
 * The same images with the labels of a table; those that it does not name keep theirs.
 *
 * @throws InputError when the table names something that is no image of the source
 */
export function withLabels(source: ImageSource, labels: ReadonlyMap<string, number>, table: string): ImageSource {
  return {
    ...source,
    async *[Symbol.asyncIterator]() {
      const missing = new Set(labels.keys());
      for await (const item of source) {
        const label = labels.get(item.name);
        missing.delete(item.name);
        yield label === undefined ? item : { ...item, label };
      }
      const [first] = missing;
      if (first !== undefined) throw new InputError(table, `names ${first}, which is no image of ${source.name}`);
    },
  };
}
