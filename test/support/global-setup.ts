import { readFile } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { RabbitMqBroker, rabbitmqMissing } from './rabbitmq-broker.ts'
import { sippMissing } from './sipp.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the RabbitMQ every test file may use, each under queue names of its own; null when there is none. */
    rabbitmqUrl: string | null
    /** Why SIPp cannot be run; null when it can. */
    sippMissing: string | null
  }
}

/**
 * Starts, once per run, the brokers that the tests share. A missing broker is an error where `CI` is set; elsewhere
 * the tests that need it are skipped and the end of the run names it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await provideSipp(project)
  return await provideRabbitMq(project)
}

async function provideSipp(project: TestProject): Promise<void> {
  const missing = (await anyTestAsksFor(project, 'sippMissing')) ? sippMissing() : undefined
  if (missing !== undefined) noteMissing('SIPp', missing)
  project.provide('sippMissing', missing ?? null)
}

/** In CI a missing peer is a failure; elsewhere the summary names it. */
function noteMissing(name: string, why: string): void {
  if (process.env['CI'] === 'true') throw new Error(`${name} is needed in CI: ${why}`)
  const known = process.env['FANFARE_MISSING_BROKERS']
  process.env['FANFARE_MISSING_BROKERS'] = `${known === undefined ? '' : `${known}, `}${name} (${why})`
}

async function provideRabbitMq(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['RABBITMQ_URL']
  if (given !== undefined) {
    project.provide('rabbitmqUrl', given)
    return async () => {}
  }
  if (!(await anyTestAsksFor(project, 'rabbitmqUrl'))) {
    project.provide('rabbitmqUrl', null)
    return async () => {}
  }
  const missing = rabbitmqMissing()
  if (missing !== undefined) {
    noteMissing('RabbitMQ', missing)
    project.provide('rabbitmqUrl', null)
    return async () => {}
  }
  const broker = await RabbitMqBroker.start()
  project.provide('rabbitmqUrl', broker.url)
  return () => broker.stop()
}

/** Whether a file of this run holds the name: `vitest run test/util` should not wait for a broker. */
async function anyTestAsksFor(project: TestProject, name: string): Promise<boolean> {
  const filters = (project.vitest as { filenamePattern?: string[] }).filenamePattern
  const { testFiles } = await project.globTestFiles(filters)
  for (const file of testFiles) if ((await readFile(file, 'utf8')).includes(name)) return true
  return false
}
