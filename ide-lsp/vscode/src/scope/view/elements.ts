// What the page is made of.

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  children: readonly (Node | string)[] = [],
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function button(text: string, title: string, onclick: () => void): HTMLButtonElement {
  return element("button", { textContent: text, title, onclick });
}

export function select<T extends string>(title: string, options: Readonly<Record<T, string>>, onchange: (chosen: T) => void): HTMLSelectElement {
  const entries = Object.entries(options) as [T, string][];
  const made = element("select", { title }, entries.map(([value, textContent]) => element("option", { value, textContent })));
  made.onchange = () => onchange(made.value as T);
  return made;
}
