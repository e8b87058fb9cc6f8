import { defineModule, type ModuleContext, optionalParam, param, repeatedParam } from '../../module/define.ts'
import { chanceHandlers, chanceSpecs } from './chance-functions.ts'
import { commandHandlers, commandSpecs } from './commands.ts'
import { ConfigHash } from './config-hash.ts'
import { lockFunctions } from './lock-functions.ts'
import { Probability } from './probability.ts'
import { pvarHandlers, pvarSpecs } from './pvars.ts'
import { parsePreset, SharedValues } from './shared-values.ts'
import { timeFunctions } from './time-functions.ts'
import { valueFunctions } from './value-functions.ts'

/** Chance, shared variables, locks and time for scripts (cfgutils reference). */
export default defineModule(
  {
    name: 'cfgutils',
    doc: 'Chance, variables shared by all messages, locks, waiting and recurring times.',
    params: {
      initial_probability: param('int', 10, 'Probability of rand_event() at the start.', { unit: '%' }),
      hash_file: optionalParam('str', 'File that get_config_hash and check_config_hash are about.'),
      shvset: repeatedParam('str', 'Value of a `$shv` at the start: `name=i:5`, `name=s:text`.'),
      varset: repeatedParam('str', 'Value of a `$var` for each request: `name=i:5`, `name=s:text`.'),
      shv_hash_size: param('int', 64, 'Accepted; variables are found by name.', { ignored: true }),
      lock_pool_size: param('int', 32, 'Accepted; each key has a lock of its own.', { ignored: true }),
    },
    functions: {
      ...chanceSpecs,
      ...timeFunctions.specs,
      ...lockFunctions.specs,
      ...valueFunctions.specs,
      abort: { args: [], routes: 'any', returns: 'ends the script', doc: 'Stops the proxy in good order.' },
      pkg_status: { args: [], routes: 'any', returns: '1', doc: 'Logs how much memory the process uses.' },
      shm_status: { args: [], routes: 'any', returns: '1', doc: 'The same: there is one memory.' },
    },
    commands: commandSpecs,
    pvars: pvarSpecs,
  },
  context => {
    const { host, log, params } = context
    const probability = new Probability(params.initial_probability)
    const shared = new SharedValues()
    for (const [name, value] of params.shvset.map(parsePreset)) shared.set(name, value)
    presetVariables(context, params.varset.map(parsePreset))
    const hash = new ConfigHash(params.hash_file)
    const logMemory = () => (): number => {
      const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
      log.notice('memory in bytes', { rss, heap: heapTotal, heap_used: heapUsed, external })
      return 1
    }
    return {
      functions: {
        ...chanceHandlers(probability),
        ...timeFunctions.handlers(context),
        ...lockFunctions.handlers(context),
        ...valueFunctions.handlers(context),
        abort: () => () => {
          log.alert('abort() in the script: the proxy stops')
          host.instance.stop()
          return 0
        },
        pkg_status: logMemory,
        shm_status: logMemory,
      },
      commands: commandHandlers({ probability, shared, hash }),
      pvars: pvarHandlers(context, shared),
      start: () => hash.remember(),
    }
  },
)

/** `$var` is NULL at the start of a run; these begin each request with a value instead. */
function presetVariables({ host }: ModuleContext, presets: readonly (readonly [string, string | number])[]): void {
  const variables = presets.map(([name, value]) => ({ ref: host.script.variable(`$var(${name})`), value }))
  if (variables.length === 0) return
  host.proxy.hooks.beforeRequest(m => {
    for (const { ref, value } of variables) ref.set(m, value)
    return false
  })
}
