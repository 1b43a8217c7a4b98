// The picture: one lane for each signal, all over the same time.

import type { Trace } from "../trace.ts";
import { number } from "../../runtime/text.ts";
import { seconds, ticks, type TimeWindow } from "../window.ts";

export interface Cursors {
  a: number;
  b: number;
}

export interface Scene {
  readonly traces: readonly Trace[];
  readonly window: TimeWindow;
  readonly cursors: Cursors | undefined;
  /** Where the trigger's level is drawn. */
  readonly level: { readonly signal: string; readonly value: number } | undefined;
}

/** Left of the lanes, for names and scales. */
export const MARGIN = 110;
const AXIS = 22;
const GAP = 6;

/** Colours that can be told apart on dark and on light. */
const COLOURS = ["#4aa3ff", "#f5a623", "#3ecf8e", "#e5534b", "#b083f0", "#2dd4bf", "#f472b6", "#a3a322"];

export function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? "#888888";
}

export function timeAt(scene: Scene, x: number, width: number): number {
  return scene.window.from + ((x - MARGIN) / Math.max(1, width - MARGIN)) * scene.window.length;
}

export function xAt(scene: Scene, time: number, width: number): number {
  return MARGIN + ((time - scene.window.from) / scene.window.length) * (width - MARGIN);
}

/** Draw on a canvas of this size in CSS pixels. */
export function draw(context: CanvasRenderingContext2D, width: number, height: number, scene: Scene): void {
  const style = getComputedStyle(document.body);
  const ink = style.getPropertyValue("--vscode-editor-foreground").trim() || "#808080";
  const paper = style.getPropertyValue("--vscode-editor-background").trim() || "#ffffff";
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  context.font = "11px sans-serif";
  context.lineWidth = 1;
  grid(context, width, height, scene, ink);
  const lane = (height - AXIS) / Math.max(1, scene.traces.length);
  scene.traces.forEach((trace, index) => {
    drawLane(context, trace, scene, { top: index * lane + GAP, height: lane - 2 * GAP, width, ink, colour: colour(index) });
  });
  if (scene.cursors !== undefined) drawCursors(context, width, height, scene, scene.cursors, ink);
}

function grid(context: CanvasRenderingContext2D, width: number, height: number, scene: Scene, ink: string): void {
  const { from, to, length } = scene.window;
  context.textAlign = "center";
  for (const time of ticks(from, to, (width - MARGIN) / 120)) {
    const x = Math.round(xAt(scene, time, width)) + 0.5;
    context.globalAlpha = 0.15;
    line(context, ink, x, 0, x, height - AXIS);
    context.globalAlpha = 0.9;
    context.fillStyle = ink;
    const digits = Math.max(0, Math.ceil(-Math.log10(length)) + 2);
    context.fillText(`${time.toFixed(Math.min(6, digits))} s`, x, height - 7);
  }
  context.globalAlpha = 1;
}

interface Lane {
  readonly top: number;
  readonly height: number;
  readonly width: number;
  readonly ink: string;
  readonly colour: string;
}

function drawLane(context: CanvasRenderingContext2D, trace: Trace, scene: Scene, lane: Lane): void {
  const { from, to } = scene.window;
  const { top, height, width, ink } = lane;
  const [min, max] = scale(trace, from, to);
  const y = (value: number) => top + height - ((Math.min(max, Math.max(min, value)) - min) / (max - min)) * height;

  context.textAlign = "left";
  context.fillStyle = lane.colour;
  context.fillText(trace.signal.name, 6, top + 11, MARGIN - 12);
  context.fillStyle = ink;
  context.globalAlpha = 0.75;
  if (trace.signal.kind === "number") {
    context.fillText(`${number(max)} ${trace.signal.unit}`, 6, top + 25, MARGIN - 12);
    context.fillText(`${number(min)} ${trace.signal.unit}`, 6, top + height, MARGIN - 12);
  }
  context.globalAlpha = 0.25;
  line(context, ink, 0, top + height + GAP - 0.5, width, top + height + GAP - 0.5);
  if (scene.level?.signal === trace.signal.name) {
    context.setLineDash([4, 4]);
    context.globalAlpha = 0.8;
    line(context, lane.colour, MARGIN, y(scene.level.value), width, y(scene.level.value));
    context.setLineDash([]);
  }
  context.globalAlpha = 1;

  const columns = trace.columns(from, to, Math.max(1, Math.floor(width - MARGIN)));
  context.strokeStyle = lane.colour;
  context.lineWidth = 1.25;
  context.beginPath();
  let open = false;
  columns.forEach((column, index) => {
    const x = MARGIN + index + 0.5;
    if (column === undefined || !Number.isFinite(column.first) || !Number.isFinite(column.last)) {
      open = false;
      return;
    }
    if (open) context.lineTo(x, y(column.first));
    else context.moveTo(x, y(column.first));
    if (column.max > column.min) {
      context.lineTo(x, y(column.max));
      context.lineTo(x, y(column.min));
    }
    context.lineTo(x, y(column.last));
    open = true;
  });
  context.stroke();
  context.lineWidth = 1;
}

/** Bools from 0 to 1, numbers over what is on the screen, never of no height. */
function scale(trace: Trace, from: number, to: number): readonly [number, number] {
  if (trace.signal.kind === "bool") return [0, 1];
  const [min, max] = trace.range(from, to) ?? [0, 1];
  if (max > min) return [min, max];
  const around = Math.max(1e-9, Math.abs(min) * 0.05, 0.5);
  return [min - around, max + around];
}

function drawCursors(context: CanvasRenderingContext2D, width: number, height: number, scene: Scene, cursors: Cursors, ink: string): void {
  context.textAlign = "left";
  for (const [name, time] of [["A", cursors.a], ["B", cursors.b]] as const) {
    const x = Math.round(xAt(scene, time, width)) + 0.5;
    if (x < MARGIN) continue;
    context.setLineDash(name === "A" ? [] : [6, 3]);
    line(context, ink, x, 0, x, height - AXIS);
    context.setLineDash([]);
    context.fillStyle = ink;
    context.fillText(`${name} ${seconds(time)}`, x + 4, 11);
  }
}

function line(context: CanvasRenderingContext2D, style: string, x1: number, y1: number, x2: number, y2: number): void {
  context.strokeStyle = style;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
