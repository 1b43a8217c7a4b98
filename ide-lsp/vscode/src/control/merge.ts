// JSON merge patch (RFC 7396), which the control socket tells changes with.

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** `target` after `patch`. Neither is changed; parts that the patch leaves alone are shared. */
export function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: { [name: string]: Json } = Object.assign(Object.create(null), isObject(target) ? target : {});
  for (const [name, part] of Object.entries(patch)) {
    if (part === null) delete merged[name];
    else merged[name] = merge(merged[name], part) as Json;
  }
  return merged;
}

function isObject(value: unknown): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
