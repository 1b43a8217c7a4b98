// Where the program `sensai` is. It is server, debug adapter, runtime and test runner at once.

import * as path from "node:path";

export interface Places {
  /** The setting `sensai.path`; empty: not set. */
  readonly setting: string;
  /** Folder of the extension, whose `server/` may bring the program along. */
  readonly extension: string;
  /** Folders of PATH. */
  readonly path: readonly string[];
}

export type Found = { readonly program: string } | { readonly missing: string };

/**
 * What somebody has set comes first, then what the extension brings along, then PATH. A setting that leads nowhere is not
 * passed over: whoever made it would be served by another version than he thinks.
 */
export function findProgram(places: Places, isProgram: (file: string) => boolean): Found {
  const setting = places.setting.trim();
  if (setting !== "") {
    if (!setting.includes("/")) return onPath(setting, places.path, isProgram);
    if (isProgram(setting)) return { program: setting };
    return { missing: `the setting sensai.path says ${setting}, and no program is there` };
  }
  const bundled = path.join(places.extension, "server", "sensai");
  return isProgram(bundled) ? { program: bundled } : onPath("sensai", places.path, isProgram);
}

function onPath(name: string, folders: readonly string[], isProgram: (file: string) => boolean): Found {
  const files = folders.filter((folder) => folder !== "").map((folder) => path.join(folder, name));
  const program = files.find(isProgram);
  if (program !== undefined) return { program };
  return {
    missing: `there is no program \`${name}\` on the PATH: build it with \`cargo build --release\`, then set sensai.path to it`,
  };
}
