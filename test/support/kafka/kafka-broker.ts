import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { LocalServer } from '../local-server.ts'
import { freePort } from '../ports.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const JARS = join(ROOT, 'node_modules', '.cache', 'kafka-3.9.1')
const CLUSTER_ID = 'AAAAAAAAQACAAAAAAAAAAQ'

/** Why Apache Kafka cannot be started here, or undefined when it can. Fetches its jars from Maven Central at first. */
export function kafkaMissing(): string | undefined {
  if (existsSync(JARS)) return undefined
  const parts = `${JARS}.part-${process.pid}`
  try {
    mkdirSync(parts, { recursive: true })
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
    const args = ['-q', '-B', '-f', join(import.meta.dirname, 'pom.xml'), goal, `-DoutputDirectory=${parts}`]
    execFileSync('mvn', args, { stdio: 'pipe', timeout: 300_000 })
    renameSync(parts, JARS)
    return undefined
  } catch (error) {
    rmSync(parts, { recursive: true, force: true })
    return `its jars could not be fetched with mvn: ${error instanceof Error ? error.message.slice(0, 300) : error}`
  }
}

/** A second listener, where clients have to say who they are, by SASL's PLAIN or SCRAM-SHA-256 and without TLS. */
export interface SaslListener {
  readonly port: number
  /** The port that clients are told, such as that of a relay. */
  readonly advertisedPort: number
}

/** Starts a Kafka of our own: one process that is broker and controller (KRaft). */
export const startKafka = (sasl?: SaslListener): Promise<LocalServer> =>
  LocalServer.start({
    name: 'Kafka',
    command: 'java',
    args: (_port, directory) => [
      ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(JARS, '*')],
      ...['kafka.Kafka', join(directory, 'server.properties')],
    ],
    prepare: async (port, directory) => {
      const file = join(directory, 'server.properties')
      const lines = properties(port, await freePort(), join(directory, 'data'), sasl)
      await writeFile(file, `${lines.join('\n')}\n`)
      const format = ['-cp', join(JARS, '*'), 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file]
      execFileSync('java', format, { stdio: 'pipe' })
    },
    isReady: answers,
  })

/** Lets a user in at the SASL listener, by SCRAM-SHA-256 and this password. */
export async function addScramUser(broker: LocalServer, user: string, password: string): Promise<void> {
  await promisify(execFile)('java', [
    ...['-XX:TieredStopAtLevel=1', '-cp', join(JARS, '*'), 'kafka.admin.ConfigCommand'],
    ...['--bootstrap-server', broker.hostPort, '--entity-type', 'users', '--entity-name', user],
    ...['--alter', '--add-config', `SCRAM-SHA-256=[iterations=4096,password=${password}]`],
  ])
}

function properties(port: number, controllerPort: number, data: string, sasl?: SaslListener): string[] {
  const saslListener = (at: number | undefined): string => (at === undefined ? '' : `,SASL_PLAINTEXT://127.0.0.1:${at}`)
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${saslListener(sasl?.port)}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}${saslListener(sasl?.advertisedPort)}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${data}`,
    'num.partitions=4',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
    // A broker that was killed is let in again as soon as its old session has ended.
    'broker.heartbeat.interval.ms=250',
    'broker.session.timeout.ms=1000',
    ...(sasl === undefined ? [] : SASL_PROPERTIES),
  ]
}

/** Nobody is let in until there is a user. */
const SASL_PROPERTIES = [
  'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
  'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required;',
  'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
]

/** An open port is not enough: the broker must have joined its own quorum. */
async function answers(port: number): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'readiness',
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 1000,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    return brokers.length > 0
  } catch {
    return false
  } finally {
    await admin.disconnect()
  }
}
