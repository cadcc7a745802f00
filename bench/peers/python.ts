import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The interpreter of a Python environment with these packages in `folder`, made when it is not there yet. */
export function pythonWith(packages: readonly string[], folder: string): string {
  const environment = join(folder, "venv");
  const python = join(environment, "bin", "python");
  if (!existsSync(python)) execFileSync("python3", ["-m", "venv", environment], { stdio: "inherit" });
  execFileSync(python, ["-m", "pip", "install", "--quiet", ...packages], { stdio: "inherit" });
  return python;
}
