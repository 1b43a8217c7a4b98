// Where running cells listen: the folders that `sensai ctl` looks into, too.

import { readdir } from "node:fs/promises";
import * as path from "node:path";

export function folders(environment: Readonly<Record<string, string | undefined>>): string[] {
  const own = environment["XDG_RUNTIME_DIR"];
  const first = own === undefined || own === "" ? [] : [path.join(own, "sensai")];
  return [...first, "/run/sensai"];
}

/** Sockets, also those of runtimes that died: only connecting tells. */
export async function sockets(within: readonly string[]): Promise<string[]> {
  const lists = within.map(async (folder) => {
    const names = await readdir(folder).catch(() => []);
    return names.filter((name) => name.endsWith(".sock")).map((name) => path.join(folder, name));
  });
  return (await Promise.all(lists)).flat();
}
