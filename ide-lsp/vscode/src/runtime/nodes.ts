// The rows of the panel as things that stay: a row that is drawn anew loses the click that is just being made on it, so
// only those are that have changed and that somebody sees.

import type { Row } from "./rows.ts";

export class Node {
  row: Row;
  nodes: readonly Node[] = [];
  /** It is unfolded: somebody has asked for what is in it. */
  open = false;

  constructor(row: Row) {
    this.row = row;
  }

  get name(): string | undefined {
    return this.row.name;
  }
}

export class Nodes {
  #top: readonly Node[] = [];
  #all = new Map<string, Node>();

  get top(): readonly Node[] {
    return this.#top;
  }

  /** Take new rows. What is to be drawn anew: nodes, each with all that is in it, or the whole tree. */
  take(rows: readonly Row[]): readonly Node[] | "all" {
    const changed: Node[] = [];
    const known = this.#all;
    this.#all = new Map();
    const top = rows.map((row) => this.#place(row, known, changed, true));
    const isSame = sameNodes(top, this.#top);
    this.#top = top;
    return isSame ? changed : "all";
  }

  #place(row: Row, known: ReadonlyMap<string, Node>, changed: Node[], seen: boolean): Node {
    const node = known.get(row.id) ?? new Node(row);
    this.#all.set(row.id, node);
    const before = node.row;
    node.row = row;
    // What is inside of a node that is drawn anew is drawn with it.
    const inside: Node[] = [];
    const nodes = (row.rows ?? []).map((of) => this.#place(of, known, inside, seen && node.open));
    const anew = !looksSame(before, row) || (node.open && !sameNodes(nodes, node.nodes));
    node.nodes = nodes;
    if (seen && anew) changed.push(node);
    else changed.push(...inside);
    return node;
  }
}

function sameNodes(some: readonly Node[], others: readonly Node[]): boolean {
  return some.length === others.length && some.every((node, index) => node === others[index]);
}

/** What is drawn of it. Its tooltip is asked for when somebody wants to read it. */
function looksSame(a: Row, b: Row): boolean {
  const isSame = a.label === b.label && a.description === b.description && a.icon === b.icon;
  return isSame && a.tone === b.tone && a.context === b.context && (a.rows === undefined) === (b.rows === undefined);
}
