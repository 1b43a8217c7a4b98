// The scope's page: signals to choose from, the picture, the values at two cursors.

import type { ToHost, ToView } from "../messages.ts";
import { Trace, type Signal } from "../trace.ts";
import type { Edge, Trigger } from "../trigger.ts";
import { TimeWindow, seconds, type TriggerMode } from "../window.ts";
import { writeTable } from "../csv.ts";
import { number } from "../../runtime/text.ts";
import { button, element, select } from "./elements.ts";
import { colour, draw, MARGIN, timeAt, xAt, type Cursors, type Scene } from "./plot.ts";

declare function acquireVsCodeApi(): { postMessage(message: ToHost): void };

const host = acquireVsCodeApi();

/** How near the mouse must be to take a cursor. */
const REACH_PX = 6;

class Scope {
  #traces: Trace[] = [];
  readonly #shown = new Set<string>();
  readonly #window = new TimeWindow();
  #cursors: Cursors | undefined;
  #trigger: Trigger = { signal: "", edge: "rising", level: 0.5 };
  #mode: TriggerMode = "off";
  #frame = 0;

  readonly #heading = element("span", { className: "heading", textContent: "…" });
  readonly #list = element("div", { className: "signals" });
  readonly #filter = element("input", { type: "search", placeholder: "filter", title: "Show only signals with this in their name" });
  readonly #canvas = element("canvas", { tabIndex: 0 });
  readonly #readings = element("div", { className: "readings" });
  readonly #follow = button("hold", "Hold the picture, or go on with the newest data", () => this.#setFollow(!this.#window.follows));
  readonly #source = element("select", { title: "Signal of the trigger" });
  readonly #level = element("input", { type: "number", step: "any", value: "0.5", title: "Level of the trigger" });

  constructor() {
    this.#filter.oninput = () => this.#fillList();
    this.#source.onchange = () => this.#setTrigger({ signal: this.#source.value });
    this.#level.oninput = () => this.#setTrigger({ level: Number(this.#level.value) });
    const edges = { rising: "↗ rising", falling: "↘ falling", either: "either" };
    const modes = { off: "no trigger", normal: "each event", single: "single event" };
    const toolbar = element("div", { className: "toolbar" }, [
      this.#heading,
      this.#follow,
      button("fit", "Show everything (double click)", () => this.#fit()),
      button("+", "Zoom in (wheel)", () => this.#zoom(0.5)),
      button("−", "Zoom out (wheel)", () => this.#zoom(2)),
      button("cursors", "Show or hide the two cursors; drag them", () => this.#toggleCursors()),
      select<TriggerMode>("Trigger", modes, (mode) => this.#setMode(mode)),
      this.#source,
      select<Edge>("Edge of the trigger", edges, (edge) => this.#setTrigger({ edge })),
      this.#level,
      button("◀", "Event before", () => this.#jump(false)),
      button("▶", "Next event", () => this.#jump(true)),
      button("CSV", "Export what is on the screen as a table", () => this.#exportTable()),
      button("PNG", "Export the picture", () => this.#exportPicture()),
    ]);
    const side = element("div", { className: "side" }, [this.#filter, this.#list]);
    const picture = element("div", { className: "picture" }, [this.#canvas, this.#readings]);
    document.body.append(toolbar, element("div", { className: "main" }, [side, picture]));
    this.#listen();
    new ResizeObserver(() => this.#redraw()).observe(this.#canvas);
  }

  take(message: ToView): void {
    if (message.kind === "signals") this.#begin(message);
    else if (message.kind === "samples") this.#samples(message.times, message.values);
    else if (message.kind === "show") this.#show(message.name);
    else this.#heading.textContent += `: ${message.reason}`;
  }

  #begin({ source, live, signals, shown, capacity }: Extract<ToView, { kind: "signals" }>): void {
    this.#heading.textContent = source;
    this.#follow.hidden = !live;
    this.#traces = signals.map((signal) => new Trace(signal, capacity));
    this.#shown.clear();
    for (const name of shown) this.#shown.add(name);
    this.#source.replaceChildren(...signals.map(({ name }) => element("option", { value: name, textContent: name })));
    this.#trigger = { ...this.#trigger, signal: shown[0] ?? signals[0]?.name ?? "" };
    this.#source.value = this.#trigger.signal;
    this.#setFollow(live);
    this.#fillList();
    this.#redraw();
  }

  #samples(times: readonly number[], values: readonly (readonly number[])[]): void {
    times.forEach((time, row) => {
      this.#traces.forEach((trace, index) => trace.push(time, values[row]?.[index] ?? NaN));
    });
    if (this.#window.follows) {
      const source = this.#traces.find(({ signal }) => signal.name === this.#trigger.signal);
      if (this.#window.advance(this.#end(), source, this.#trigger, this.#mode)) this.#setFollow(false);
    } else if (this.#follow.hidden) {
      this.#fit();
    }
    this.#redraw();
  }

  #show(name: string): void {
    for (const { signal } of this.#traces) {
      if (signal.name === name || signal.name.startsWith(`${name}[`)) this.#shown.add(signal.name);
    }
    this.#fillList();
    this.#redraw();
  }

  #scene(): Scene {
    const traces = this.#traces.filter(({ signal }) => this.#shown.has(signal.name));
    const level = this.#mode === "off" ? undefined : { signal: this.#trigger.signal, value: this.#trigger.level };
    return { traces, window: this.#window, cursors: this.#cursors, level };
  }

  #earliest(): number {
    return Math.min(...this.#traces.filter((trace) => trace.length > 0).map((trace) => trace.begin));
  }

  #end(): number {
    return this.#traces.reduce((latest, trace) => Math.max(latest, trace.end), 0);
  }

  #redraw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      const { clientWidth: width, clientHeight: height } = this.#canvas;
      const ratio = window.devicePixelRatio || 1;
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
      const context = this.#canvas.getContext("2d");
      if (context === null) return;
      context.scale(ratio, ratio);
      const scene = this.#scene();
      draw(context, width, height, scene);
      this.#read(scene);
    });
  }

  /** Values at the cursors, and their differences. */
  #read({ traces, cursors }: Scene): void {
    if (cursors === undefined) {
      this.#readings.replaceChildren();
      return;
    }
    const { a, b } = cursors;
    const apart = b - a;
    const row = (cells: readonly string[], tag: "th" | "td") => element("tr", {}, cells.map((textContent) => element(tag, { textContent })));
    const often = apart === 0 ? "" : `${number(1 / Math.abs(apart))} Hz`;
    const rows = traces.map((trace) => {
      const { name, unit } = trace.signal;
      const [first, second] = [trace.at(a), trace.at(b)];
      const text = (value: number | undefined) => (value === undefined ? "" : `${number(value)} ${unit}`);
      const difference = first === undefined || second === undefined ? undefined : second - first;
      return row([name, text(first), text(second), text(difference)], "td");
    });
    const head = row(["", `A ${seconds(a)}`, `B ${seconds(b)}`, `B − A ${seconds(apart)}  ${often}`], "th");
    this.#readings.replaceChildren(element("table", {}, [head, ...rows]));
  }

  #fillList(): void {
    const wanted = this.#filter.value.toLowerCase();
    const order = [...this.#shown];
    const rows = this.#traces
      .filter(({ signal }) => signal.name.toLowerCase().includes(wanted))
      .map(({ signal }) => this.#choice(signal, order));
    this.#list.replaceChildren(...rows);
  }

  #choice({ name, unit }: Signal, order: readonly string[]): HTMLLabelElement {
    const box = element("input", { type: "checkbox", checked: order.includes(name) });
    box.onchange = () => {
      if (box.checked) this.#shown.add(name);
      else this.#shown.delete(name);
      this.#fillList();
      this.#redraw();
    };
    const text = element("span", { textContent: unit === "" ? name : `${name} [${unit}]` });
    const lane = this.#traces.filter(({ signal }) => this.#shown.has(signal.name)).findIndex(({ signal }) => signal.name === name);
    if (lane >= 0) text.style.color = colour(lane);
    return element("label", {}, [box, text]);
  }

  #setFollow(follows: boolean): void {
    this.#window.follows = follows;
    this.#follow.textContent = follows ? "hold" : "go on";
  }

  #setMode(mode: TriggerMode): void {
    this.#mode = mode;
    if (mode !== "off" && !this.#follow.hidden) this.#setFollow(true);
    this.#redraw();
  }

  #setTrigger(change: Partial<Trigger>): void {
    this.#trigger = { ...this.#trigger, ...change };
    this.#redraw();
  }

  #jump(forward: boolean): void {
    const trace = this.#traces.find(({ signal }) => signal.name === this.#trigger.signal);
    if (trace !== undefined && this.#window.jump(trace, this.#trigger, forward)) this.#setFollow(false);
    this.#redraw();
  }

  #fit(): void {
    const begin = this.#earliest();
    if (!Number.isFinite(begin)) return;
    this.#window.fit(begin, this.#end());
    this.#setFollow(false);
    this.#redraw();
  }

  #zoom(factor: number, at = (this.#window.from + this.#window.to) / 2): void {
    this.#window.zoom(factor, this.#window.follows ? this.#window.to : at);
    this.#redraw();
  }

  #toggleCursors(): void {
    const { from, length } = this.#window;
    this.#cursors = this.#cursors === undefined ? { a: from + length / 3, b: from + (2 * length) / 3 } : undefined;
    this.#redraw();
  }

  #listen(): void {
    const time = (event: MouseEvent) => timeAt(this.#scene(), event.offsetX, this.#canvas.clientWidth);
    this.#canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        if (event.shiftKey) this.#window.pan((Math.sign(event.deltaY || event.deltaX) * this.#window.length) / 10);
        else this.#zoom(event.deltaY < 0 ? 0.8 : 1.25, time(event));
        this.#setFollow(this.#window.follows);
        this.#redraw();
      },
      { passive: false },
    );
    this.#canvas.addEventListener("dblclick", () => this.#fit());
    this.#canvas.addEventListener("pointerdown", (down) => {
      this.#canvas.setPointerCapture(down.pointerId);
      const taken = this.#cursorAt(down.offsetX);
      let last = time(down);
      const move = (event: PointerEvent) => {
        const now = time(event);
        if (taken !== undefined && this.#cursors !== undefined) {
          this.#cursors[taken] = now;
        } else {
          this.#window.pan(last - now);
          this.#setFollow(false);
        }
        last = time(event);
        this.#redraw();
      };
      this.#canvas.addEventListener("pointermove", move);
      const up = () => this.#canvas.removeEventListener("pointermove", move);
      this.#canvas.addEventListener("pointerup", up, { once: true });
      this.#canvas.addEventListener("pointercancel", up, { once: true });
    });
  }

  #cursorAt(x: number): keyof Cursors | undefined {
    const cursors = this.#cursors;
    if (cursors === undefined || x < MARGIN) return undefined;
    const scene = this.#scene();
    const distance = (time: number) => Math.abs(xAt(scene, time, this.#canvas.clientWidth) - x);
    const [near, other] = distance(cursors.a) <= distance(cursors.b) ? (["a", "b"] as const) : (["b", "a"] as const);
    return distance(cursors[near]) <= REACH_PX ? near : distance(cursors[other]) <= REACH_PX ? other : undefined;
  }

  #exportTable(): void {
    const { traces, window: { from, to } } = this.#scene();
    const times = new Set<number>();
    for (const trace of traces) {
      for (let index = Math.max(0, trace.before(from)); index < trace.length; index += 1) {
        const [time] = trace.sample(index) ?? [Infinity];
        if (time > to) break;
        if (time >= from) times.add(time);
      }
    }
    const rows = [...times].sort((a, b) => a - b).map((time) => [time, traces.map((trace) => trace.at(time) ?? NaN)] as const);
    host.postMessage({ kind: "save", extension: "csv", data: writeTable(traces.map(({ signal }) => signal), rows) });
  }

  #exportPicture(): void {
    const data = this.#canvas.toDataURL("image/png").replace(/^data:image\/png;base64,/, "");
    host.postMessage({ kind: "save", extension: "png", data });
  }
}

const scope = new Scope();
window.addEventListener("message", (event: MessageEvent<ToView>) => scope.take(event.data));
host.postMessage({ kind: "ready" });
