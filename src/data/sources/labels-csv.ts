import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import type { ImageSource } from "../types.ts";
import { classesOfFolders, classesOfNumbers, namesIn } from "./classes.ts";
import { fileItem } from "./folder.ts";
import type { OpenOptions, SourceFormat } from "./format.ts";

const tableName = "labels.csv";

/** A folder with a table `labels.csv`: a heading, then `<file>,<class number or name>` a line. */
export const labelledFolder: SourceFormat = {
  name: `a folder with ${tableName} (file,class)`,
  accepts: ({ kind, entries }) => kind === "folder" && entries.includes(tableName),
  open: ({ path }, options) => openTable(path, path, options),
};

/** That table itself. */
export const labelTable: SourceFormat = {
  name: "a table of images (file,class)",
  accepts: ({ path, kind }) => kind === "file" && path.endsWith(".csv"),
  open: ({ path }, options) => openTable(dirname(path), path, options, path),
};

interface Row {
  readonly file: string;
  readonly value: string;
}

async function openTable(
  folder: string,
  name: string,
  options: OpenOptions,
  table = join(folder, tableName),
): Promise<ImageSource> {
  const rows = parseTable(await readFile(table, "utf8"), table);
  const labels = options.labels ?? (await namesIn(folder));
  const numbered = rows.every(({ value }) => /^\d+$/.test(value));
  const values = rows.map(({ value }) => value);
  const classes = numbered
    ? classesOfNumbers(
        values.reduce((highest, value) => Math.max(highest, Number(value)), 0),
        labels,
        table,
      )
    : classesOfFolders(values, labels, table);
  const labelOf = numbered ? Number : (value: string) => classes.indexOf(value);
  return {
    name,
    count: rows.length,
    classes,
    async *[Symbol.asyncIterator]() {
      for (const { file, value } of rows) yield fileItem(join(folder, file), file, labelOf(value));
    },
  };
}

/** What holds a comma is quoted; the first line is a heading. */
function parseTable(text: string, path: string): Row[] {
  const [, ...lines] = text.split(/\r?\n/);
  const rows = lines.flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(line, index + 2, path)]));
  if (rows.length === 0) throw new InputError(path, "lists no images; write a heading, then <file>,<class> a line");
  return rows;
}

/** One line of the table. @throws InputError when it is none */
export function parseLine(line: string, number: number, path: string): Row {
  const match = /^(?:"((?:[^"]|"")*)"|([^,]*)),\s*(?:"((?:[^"]|"")*)"|([^,"]+?))\s*$/.exec(line);
  const file = unquoted(match?.[1]) ?? match?.[2];
  const value = unquoted(match?.[3]) ?? match?.[4];
  if (!file || !value) throw new InputError(path, `line ${number} is no <file>,<class>: ${line.slice(0, 80)}`);
  return { file, value };
}

const unquoted = (field: string | undefined): string | undefined => field?.replaceAll('""', '"');
