// What the scope's two sides say to each other: the extension, which has the data, and the webview, which draws it.

import type { Signal } from "./trace.ts";

export type ToView =
  | {
      readonly kind: "signals";
      /** Where they come from, for the heading. */
      readonly source: string;
      readonly live: boolean;
      readonly signals: readonly Signal[];
      /** Names of those that are shown at first. */
      readonly shown: readonly string[];
      /** Samples to keep of each. */
      readonly capacity: number;
    }
  /** A row of values for each time, in the order of the signals. */
  | { readonly kind: "samples"; readonly times: readonly number[]; readonly values: readonly (readonly number[])[] }
  | { readonly kind: "show"; readonly name: string }
  | { readonly kind: "ended"; readonly reason: string };

export type ToHost =
  | { readonly kind: "ready" }
  | { readonly kind: "save"; readonly extension: "csv" | "png"; readonly data: string };
