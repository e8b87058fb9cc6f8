import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { kafkaMissing, startKafka } from './kafka/kafka-broker.ts'
import { mariadbMissing, startMariadb } from './mariadb-server.ts'
import { natsMissing, startNats } from './nats-server.ts'
import { postgresMissing, startPostgres } from './postgres-server.ts'
import { RabbitMqBroker, rabbitmqMissing } from './rabbitmq-broker.ts'
import { redisMissing, startRedis } from './redis-server.ts'
import { sippMissing } from './sipp.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the RabbitMQ every test file may use, each under queue names of its own; null when there is none. */
    rabbitmqUrl: string | null
    /** `host:port` of the Kafka every test file may use, each under topics of its own; null when there is none. */
    kafkaBrokers: string | null
    /** `host:port` of the NATS every test file may use, each under subjects of its own; null when there is none. */
    natsAddress: string | null
    /** `host:port` of the Redis every test file may use, each under keys of its own; null when there is none. */
    redisAddress: string | null
    /** `host:port` of the MariaDB every test file may use as root, each with databases of its own; null when there is none. */
    mariadbAddress: string | null
    /** `host:port` of the PostgreSQL every test file may use as postgres, each with databases of its own; null when there is none. */
    postgresAddress: string | null
    /** Why SIPp cannot be run; null when it can. */
    sippMissing: string | null
  }
}

const TEST_FOLDER = resolve(import.meta.dirname, '..')

/** A broker that the whole run shares. */
interface SharedBroker {
  readonly key: 'rabbitmqUrl' | 'kafkaBrokers' | 'natsAddress' | 'redisAddress' | 'mariadbAddress' | 'postgresAddress'
  readonly name: string
  /** The variable that names one which is there already. */
  readonly variable: string
  missing(): string | undefined
  start(): Promise<{ readonly address: string; stop(): Promise<void> }>
}

const sharedBrokers: readonly SharedBroker[] = [
  {
    key: 'rabbitmqUrl',
    name: 'RabbitMQ',
    variable: 'RABBITMQ_URL',
    missing: rabbitmqMissing,
    start: async () => {
      const broker = await RabbitMqBroker.start()
      return { address: broker.url, stop: () => broker.stop() }
    },
  },
  localBroker('kafkaBrokers', 'Kafka', 'KAFKA_BROKERS', kafkaMissing, startKafka),
  localBroker('natsAddress', 'NATS', 'NATS_ADDRESS', natsMissing, startNats),
  localBroker('redisAddress', 'Redis', 'REDIS_ADDRESS', redisMissing, startRedis),
  localBroker('mariadbAddress', 'MariaDB', 'MARIADB_ADDRESS', mariadbMissing, startMariadb),
  localBroker('postgresAddress', 'PostgreSQL', 'POSTGRES_ADDRESS', postgresMissing, startPostgres),
]

function localBroker(
  key: SharedBroker['key'],
  name: string,
  variable: string,
  missing: SharedBroker['missing'],
  start: () => Promise<{ readonly hostPort: string; stop(): Promise<void> }>,
): SharedBroker {
  return {
    key,
    name,
    variable,
    missing,
    start: async () => {
      const server = await start()
      return { address: server.hostPort, stop: () => server.stop() }
    },
  }
}

/**
 * Starts, once per run, the brokers that the tests share. A missing broker is an error where `CI` is set; elsewhere
 * the tests that need it are skipped and the end of the run names it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const asked = await namesAskedFor(project)
  const missing = asked.has('sippMissing') ? sippMissing() : undefined
  if (missing !== undefined) noteMissing('SIPp', missing)
  project.provide('sippMissing', missing ?? null)
  const stops: (() => Promise<void>)[] = []
  for (const broker of sharedBrokers) stops.push(await provide(project, broker, asked.has(broker.key)))
  return async () => void (await Promise.all(stops.map(stop => stop())))
}

async function provide(project: TestProject, broker: SharedBroker, isAskedFor: boolean): Promise<() => Promise<void>> {
  const given = process.env[broker.variable]
  const missing = given === undefined && isAskedFor ? broker.missing() : undefined
  if (missing !== undefined) noteMissing(broker.name, missing)
  if (given !== undefined || !isAskedFor || missing !== undefined) {
    project.provide(broker.key, given ?? null)
    return async () => {}
  }
  const { address, stop } = await broker.start()
  project.provide(broker.key, address)
  return stop
}

/** In CI a missing peer is a failure; elsewhere the summary names it. */
function noteMissing(name: string, why: string): void {
  if (process.env['CI'] === 'true') throw new Error(`${name} is needed in CI: ${why}`)
  const known = process.env['FANFARE_MISSING_BROKERS']
  process.env['FANFARE_MISSING_BROKERS'] = `${known === undefined ? '' : `${known}, `}${name} (${why})`
}

/** Which provided names the files of this run hold: `vitest run test/util` should not wait for a broker. */
async function namesAskedFor(project: TestProject): Promise<ReadonlySet<string>> {
  const filters = (project.vitest as { filenamePattern?: string[] }).filenamePattern
  const { testFiles } = await project.globTestFiles(filters)
  const names = ['sippMissing', ...sharedBrokers.map(({ key }) => key)]
  const asked = new Set<string>()
  const read = new Set<string>()
  const look = async (file: string): Promise<void> => {
    if (read.has(file)) return
    read.add(file)
    const text = await readFile(file, 'utf8')
    for (const name of names) if (text.includes(`inject('${name}')`)) asked.add(name)
    for (const imported of importedTestFiles(file, text)) await look(imported)
  }
  for (const file of testFiles) await look(file)
  return asked
}

/** What a file imports from under test/: it may be there that a broker is asked for. */
function importedTestFiles(file: string, text: string): string[] {
  const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) => resolve(dirname(file), path))
  return imported.filter(path => path.startsWith(TEST_FOLDER))
}
