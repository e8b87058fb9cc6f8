/** Times in microseconds. */
export interface Times {
  count: number
  sum: number
  min: number
  max: number
}

const noTimes = (): Times => ({ count: 0, sum: 0, min: 0, max: 0 })

/** Measures how long something takes, again and again. */
export class Stopwatch {
  readonly name: string
  isEnabled = false
  /** Since the last line of the log, and since the start. */
  recent = noTimes()
  readonly all = noTimes()

  constructor(name: string) {
    this.name = name
  }

  add(us: number): void {
    for (const times of [this.recent, this.all]) {
      times.min = times.count === 0 ? us : Math.min(times.min, us)
      times.max = Math.max(times.max, us)
      times.count++
      times.sum += us
    }
  }

  /** Begins the recent ones anew. */
  restart(): void {
    this.recent = noTimes()
  }
}

/** `count/sum/min/max/average`. */
export function describeTimes({ count, sum, min, max }: Times): string {
  return `${count}/${sum}/${min}/${max}/${averageOf({ count, sum })}`
}

/** With six decimals. */
export const averageOf = ({ count, sum }: Pick<Times, 'count' | 'sum'>): string =>
  (count === 0 ? 0 : sum / count).toFixed(6)
