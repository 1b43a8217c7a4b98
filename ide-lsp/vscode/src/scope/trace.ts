// A signal over time, and what a screen of limited width shows of it.

export type Kind = "bool" | "number";

export interface Signal {
  readonly name: string;
  readonly unit: string;
  readonly kind: Kind;
}

/** Extremes of what falls onto one column of the screen. */
export interface Column {
  readonly first: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
}

/** Samples in the order of their times; a value holds until the next one. */
export class Trace {
  readonly signal: Signal;
  readonly #capacity: number;
  #times: number[] = [];
  #values: number[] = [];

  constructor(signal: Signal, capacity = 1_000_000) {
    this.signal = signal;
    this.#capacity = Math.max(2, capacity);
  }

  get length(): number {
    return this.#times.length;
  }

  get begin(): number {
    return this.#times[0] ?? 0;
  }

  get end(): number {
    return this.#times[this.#times.length - 1] ?? 0;
  }

  /** Samples that are not newer than the last one are a run that has begun anew. */
  push(time: number, value: number): void {
    if (this.length > 0 && time <= this.end) this.clear();
    this.#times.push(time);
    this.#values.push(value);
    // In large steps: moving everything for each sample would cost more than the samples.
    if (this.length > this.#capacity * 1.25) {
      this.#times = this.#times.slice(-this.#capacity);
      this.#values = this.#values.slice(-this.#capacity);
    }
  }

  clear(): void {
    this.#times = [];
    this.#values = [];
  }

  sample(index: number): readonly [number, number] | undefined {
    const time = this.#times[index];
    const value = this.#values[index];
    return time === undefined || value === undefined ? undefined : [time, value];
  }

  /** Index of the last sample at or before `time`; -1: there is none. */
  before(time: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] ?? Infinity) <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  at(time: number): number | undefined {
    return this.#values[this.before(time)];
  }

  /** One entry for each of `width` columns between the times; none where nothing is known yet. */
  columns(from: number, to: number, width: number): (Column | undefined)[] {
    const step = (to - from) / width;
    let index = this.before(from);
    return Array.from({ length: width }, (_, column) => {
      const until = from + step * (column + 1);
      let held = this.#values[index];
      let first = held;
      let min = held ?? Infinity;
      let max = held ?? -Infinity;
      for (;;) {
        const time = this.#times[index + 1];
        const value = this.#values[index + 1];
        if (time === undefined || value === undefined || time >= until) break;
        index += 1;
        first ??= value;
        held = value;
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
      // Behind the last sample nobody knows.
      const known = until - step <= this.end;
      return first === undefined || held === undefined || !known ? undefined : { first, last: held, min, max };
    });
  }

  /** Least and greatest finite value between the times. */
  range(from: number, to: number): readonly [number, number] | undefined {
    let min = Infinity;
    let max = -Infinity;
    for (let index = Math.max(0, this.before(from)); index < this.length; index += 1) {
      if ((this.#times[index] ?? Infinity) > to) break;
      const value = this.#values[index] ?? NaN;
      if (!Number.isFinite(value)) continue;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    return min <= max ? [min, max] : undefined;
  }
}
