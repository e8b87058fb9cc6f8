import { dirname, resolve } from 'node:path'
import type { AddScenario, ScenarioOptions } from './api.ts'
import type { BenchOptions } from './bench.ts'
import { callSite } from './call-site.ts'
import { collector } from './collecting.ts'
import { StageOf } from './stage.ts'

/** Adds a scenario: see `AddScenario` in `api.ts`. Throws an Error outside `fanfare test`. */
export const scenario: AddScenario = (title, options, body) => {
  const place = callSite()
  const collecting = collector()
  if (collecting === undefined)
    throw new Error(`scenario "${title}" is run by "fanfare test ${place.file}", not by starting the file itself`)
  const given = typeof options === 'string' ? { script: options } : options
  collecting.push({
    title,
    place,
    options: benchOptions(given, dirname(place.file)),
    play: run => body(new StageOf(run)),
  })
}

function benchOptions({ script, clock, listen, folders, ...rest }: ScenarioOptions, base: string): BenchOptions {
  const copied = Object.entries(folders ?? {}).map(([path, from]) => [path, from === null ? null : resolve(base, from)])
  return {
    ...rest,
    script: resolve(base, script),
    folders: Object.fromEntries(copied),
    ...(listen === undefined ? {} : { listen: [listen].flat() }),
    ...(clock === undefined ? {} : { startMs: new Date(clock).getTime() }),
  }
}
