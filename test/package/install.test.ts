// Needs: npm and the built package.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { environment } from "../support/environment.ts";
import { scratch } from "../support/twins.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..", "..");
const { path: project, remove } = scratch();
const installed = join(project, "node_modules", "twindnn");
afterAll(remove);

/** Installs the packed package as npm would, with this checkout's dependencies instead of a registry's. */
beforeAll(async () => {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: root });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  mkdirSync(installed, { recursive: true });
  await run("tar", ["xzf", join(project, filename), "--strip-components=1", "-C", installed]);
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: object };
  for (const name of Object.keys(dependencies)) {
    const link = join(project, "node_modules", name);
    mkdirSync(resolve(link, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link, "dir");
  }
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
});

const node = (...args: string[]) => run(process.execPath, args, { cwd: project, env: environment });

test("the packed package holds what users need, and neither sources nor tests", () => {
  expect(readdirSync(installed).sort()).toEqual([
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist",
    "models",
    "package.json",
  ]);
});

test("every entry can be imported by name", async () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
  writeFileSync(
    join(project, "entries.js"),
    entries.map((entry) => `await import("twindnn${entry.slice(1)}");`).join("\n"),
  );
  expect(await node("entries.js")).toEqual({ stdout: "", stderr: "" });
});

test("the README's program answers with the embedded twin", async () => {
  const program = /```js\n(.*?)```/s.exec(readFileSync(join(root, "README.md"), "utf8"))![1]!;
  cpSync(join(root, "test", "data", "golden", "grey.jpg"), join(project, "photo.jpg"));
  const twin = "node_modules/twindnn/models/fashion-mnist/twin";
  writeFileSync(join(project, "program.js"), program.replaceAll("models/fashion-mnist/twin", twin));
  const { stdout, stderr } = await node("program.js");
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^[A-Z][\w/ -]+ \d\.\d+ (compressed|original|original-int8)\n$/);
});

test("the command starts from where npm puts it", async () => {
  const { stdout } = await node(join("node_modules", "twindnn", "dist", "cli", "main.js"), "--version");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  expect(stdout).toBe(`${version}\n`);
});
