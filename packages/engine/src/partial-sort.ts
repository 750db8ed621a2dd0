/**
 * Sorting only as far as is asked for: the quicksort of Bentley and McIlroy ("Engineering a Sort Function",
 * 1993), which leaves alone the parts that lie outside the range wanted. It is not stable, but deterministic: among
 * equal ones the same come first as in Redis, which sorts with it where a LIMIT or COUNT is given.
 *
 *     | = pivot | < pivot | not seen yet | > pivot | = pivot |
 *               less ---> at             end <--- greater         while a part is partitioned
 */

type Compare<T> = (a: T, b: T) => number;

/** Below this an insertion sort is faster. */
const insertionMax = 7;
/** Above this the pivot is the median of nine. */
const medianOfNineMin = 40;

/** Brings the items to the indexes from `from` to `to` that belong there in the order of `compare`. */
export function sortRange<T>(items: T[], compare: Compare<T>, from: number, to: number): void {
  new PartialSort(items, compare, from, to).sort(0, items.length);
}

class PartialSort<T> {
  readonly #items: T[];
  readonly #compare: Compare<T>;
  readonly #from: number;
  readonly #to: number;

  constructor(items: T[], compare: Compare<T>, from: number, to: number) {
    this.#items = items;
    this.#compare = compare;
    this.#from = from;
    this.#to = to;
  }

  /** Sorts `count` items from `first` on, where wanted. */
  sort(first: number, count: number): void {
    let [start, left] = [first, count];
    while (left >= insertionMax) {
      const [smaller, larger] = this.#partition(start, left);
      if (smaller > 1 && this.#isWanted(start, smaller)) this.sort(start, smaller);
      start += left - larger;
      left = larger;
      if (left <= 1 || !this.#isWanted(start, left)) return;
    }
    this.#insertionSort(start, left);
  }

  #isWanted(first: number, count: number): boolean {
    return first <= this.#to && first + count > this.#from;
  }

  #insertionSort(first: number, count: number): void {
    const items = this.#items;
    for (let next = first + 1; next < first + count; next++) {
      for (let i = next; i > first && this.#compare(items[i - 1], items[i]) > 0; i--) this.#swap(i, i - 1);
    }
  }

  /** Splits items around a pivot; returns how many are smaller, which come first, and larger, which come last. */
  #partition(first: number, count: number): [number, number] {
    const items = this.#items;
    const end = first + count;
    this.#swap(first, this.#pivotOf(first, count));
    let less = first + 1;
    let at = less;
    let last = end - 1;
    let greater = last;
    for (;;) {
      for (let order: number; at <= last && (order = this.#compare(items[at], items[first])) <= 0; at++) {
        if (order === 0) this.#swap(less++, at);
      }
      for (let order: number; at <= last && (order = this.#compare(items[last], items[first])) >= 0; last--) {
        if (order === 0) this.#swap(last, greater--);
      }
      if (at > last) break;
      this.#swap(at++, last--);
    }
    const smaller = at - less;
    const larger = greater - last;
    this.#exchange(first, at, Math.min(less - first, smaller));
    this.#exchange(at, end, Math.min(larger, end - 1 - greater));
    return [smaller, larger];
  }

  #pivotOf(first: number, count: number): number {
    let middle = first + (count >>> 1);
    if (count === insertionMax) return middle;
    let low = first;
    let high = first + count - 1;
    if (count > medianOfNineMin) {
      const step = count >>> 3;
      low = this.#median(low, low + step, low + 2 * step);
      middle = this.#median(middle - step, middle, middle + step);
      high = this.#median(high - 2 * step, high - step, high);
    }
    return this.#median(low, middle, high);
  }

  #median(a: number, b: number, c: number): number {
    const items = this.#items;
    const compare = this.#compare;
    if (compare(items[a], items[b]) < 0) {
      if (compare(items[b], items[c]) < 0) return b;
      return compare(items[a], items[c]) < 0 ? c : a;
    }
    if (compare(items[b], items[c]) > 0) return b;
    return compare(items[a], items[c]) < 0 ? a : c;
  }

  /** Exchanges the `count` items from `first` on with those before `end`. */
  #exchange(first: number, end: number, count: number): void {
    for (let i = 0; i < count; i++) this.#swap(first + i, end - count + i);
  }

  #swap(a: number, b: number): void {
    const items = this.#items;
    const item = items[a];
    items[a] = items[b];
    items[b] = item;
  }
}
