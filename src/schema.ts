import { z } from "zod";

/**
 * The value that a schema makes of what came from outside.
 *
 * @param refuse makes the error of one line that says what is wrong: where, the value received, and what is known
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  refuse: (problem: string) => Error,
): z.output<Schema> {
  const result = schema.safeParse(value, { error: messageOf });
  if (result.success) return result.data;
  throw refuse(problemOf(result.error.issues, value));
}

/** A copy of a value, such as one that a later version wrote, without the fields that a schema refuses as unknown. */
export function withoutUnknownFields(schema: z.ZodType, value: unknown): unknown {
  const copy = structuredClone(value);
  for (const issue of schema.safeParse(copy).error?.issues ?? []) {
    if (issue.code !== "unrecognized_keys") continue;
    const holder = valueAt(copy, issue.path) as object;
    for (const key of issue.keys) Reflect.deleteProperty(holder, key);
  }
  return copy;
}

/** So many problems are told, and the others counted. */
const told = 3;

function problemOf(issues: readonly z.core.$ZodIssue[], value: unknown): string {
  const sentences = issues.slice(0, told).map((issue) => sentenceOf(issue, value));
  const more = issues.length - sentences.length;
  return sentences.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function sentenceOf({ path, message, code }: z.core.$ZodIssue, value: unknown): string {
  if (code === "unrecognized_keys") return path.length === 0 ? message : `${placeOf(path)} has ${message}`;
  const place = path.length === 0 ? "it" : `"${placeOf(path)}"`;
  if (code === "custom") return `${place}: ${message}`;
  const received = valueAt(value, path);
  return received === undefined ? `${place} is missing (${message})` : `${place} is ${shown(received)} (${message})`;
}

/** What the schema wanted, in place of Zod's words; nothing where those are the schema's own. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `wanted: ${issue.expected === "int" ? "a whole number" : issue.expected}`;
    case "invalid_value":
      return `known: ${listed(issue.values)}`;
    case "unrecognized_keys":
      return `unknown field ${listed(issue.keys)}${knownFields(issue.inst)}`;
    case "invalid_union":
      return issue.options === undefined ? alternatives(issue.errors) : `known: ${listed(issue.options)}`;
    default:
      return undefined;
  }
}

function knownFields(schema: unknown): string {
  return schema instanceof z.ZodObject ? `; known: ${Object.keys(schema.shape).join(", ")}` : "";
}

/** The first complaint of each form that the value might have had. */
const alternatives = (forms: readonly (readonly { message: string }[])[]): string =>
  [...new Set(forms.flatMap(([first]) => (first === undefined ? [] : [first.message])))].join(", or ");

const placeOf = (path: readonly PropertyKey[]): string => path.map(String).join(".");

const listed = (values: unknown): string =>
  Array.isArray(values) ? values.map((value) => JSON.stringify(value)).join(", ") : String(values);

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) found = typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined;
  return found;
}

/** A value as JSON, cut short where it is long. */
function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
