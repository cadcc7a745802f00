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
 * @throws InputError for a line that is none, or a class that is not known
 */
export async function readLabelList(path: string, classes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const text = new TextDecoder().decode(await readBytes(path, "check the path"));
  return new Map(
    filledLines(text).map(({ line, number }) => {
      const { file, value } = parseLine(line, number, path);
      return [file, classOf(value, classes, `${path}, line ${number}`)] as const;
    }),
  );
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
 * @throws InputError when the table names no image of the source
 */
export function withLabels(source: ImageSource, labels: ReadonlyMap<string, number>, table: string): ImageSource {
  return {
    ...source,
    async *[Symbol.asyncIterator]() {
      let found = 0;
      for await (const item of source) {
        const label = labels.get(item.name);
        if (label === undefined) yield item;
        else {
          found++;
          yield { ...item, label };
        }
      }
      if (found === 0 && labels.size > 0) throw new InputError(table, `names no image of ${source.name}`);
    },
  };
}
