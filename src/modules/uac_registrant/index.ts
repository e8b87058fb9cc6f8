import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, field, optionalParam, param } from '../../module/define.ts'
import type { RegistrantRecord, RegistrationState } from './record.ts'
import { Registrant } from './registrant.ts'
import { type ColumnNames, loadRecords, REGISTRANT_TABLE } from './registrant-table.ts'
import type { RegistrationServices } from './registration.ts'

const fields = {
  aor: field('str', 'Address of record.'),
  contact: field('str', 'URI of the contact.'),
  registrar: field('str', 'URI of the registrar.'),
}
const event = (doc: string) => ({ doc, fields })
const columnParam = (name: string) => param('str', name, `Column ${name}.`)
const recordArgs = [
  arg('aor', 'str', 'Address of record.'),
  arg('contact', 'str', 'URI of the contact.'),
  arg('registrar', 'str', 'URI of the registrar.'),
] as const
const recordCommand = (name: string, doc: string) => ({ args: recordArgs, aliases: [name], doc })

/** Registers contacts at other registrars and keeps them registered. */
export default defineModule(
  {
    name: 'uac_registrant',
    doc: 'Registers contacts at other registrars, with credentials from the database, and keeps them registered.',
    depends: ['tm', 'uac_auth'],
    tables: [REGISTRANT_TABLE],
    params: {
      hash_size: param('int', 1, 'Accepted; registrations are all looked at each time.', { ignored: true }),
      timer_interval: param('int', 100, 'How often is looked for what is due.', { unit: 's' }),
      failure_retry_interval: param('int', 3600, 'How long after a failure it is tried again.', { unit: 's' }),
      enable_clustering: param('int', 0, 'Accepted; nodes do not share registrations.', { ignored: true }),
      db_url: optionalParam('str', 'Database; db_default_url if absent.'),
      table_name: param('str', 'registrant', 'Its table.'),
      registrar_column: columnParam('registrar'),
      proxy_column: columnParam('proxy'),
      aor_column: columnParam('aor'),
      third_party_registrant_column: columnParam('third_party_registrant'),
      username_column: columnParam('username'),
      password_column: columnParam('password'),
      binding_URI_column: columnParam('binding_URI'),
      binding_params_column: columnParam('binding_params'),
      expiry_column: columnParam('expiry'),
      forced_socket_column: columnParam('forced_socket'),
      cluster_shtag_column: columnParam('cluster_shtag'),
      state_column: columnParam('state'),
    },
    commands: {
      list: { args: [], aliases: ['reg_list'], doc: 'Lists the registrations.' },
      reload: { args: [], aliases: ['reg_reload'], doc: 'Loads the table anew. When that fails nothing changes.' },
      enable: recordCommand('reg_enable', 'Registers a contact and keeps it registered.'),
      disable: recordCommand('reg_disable', 'Takes a registration back.'),
      force_register: recordCommand('reg_force_register', 'Registers a contact now.'),
    },
    events: {
      E_REGISTRANT_REGISTERING: event('A REGISTER is sent.'),
      E_REGISTRANT_AUTHENTICATING: event('The REGISTER is sent again, with credentials.'),
      E_REGISTRANT_REGISTERED: event('The registrar has taken the contact.'),
      E_REGISTRANT_REGISTER_TIMEOUT: event('The registrar does not answer.'),
      E_REGISTRANT_INTERNAL_ERROR: event('The REGISTER could not be sent.'),
      E_REGISTRANT_WRONG_CREDENTIALS: event('The registrar refuses the credentials.'),
      E_REGISTRANT_REGISTRAR_ERROR: event('The registrar refuses the contact.'),
      E_REGISTRANT_UNREGISTERING: event('A REGISTER that takes the contact back is sent.'),
      E_REGISTRANT_AUTHENTICATING_UNREGISTER: event('That is sent again, with credentials.'),
    },
  },
  ({ host, clock, log, params, raise, use }) => {
    const tell = (record: RegistrantRecord, state: RegistrationState): void => {
      const { aor, binding, registrar } = record.data
      log.info('a registration has changed', { aor, contact: binding, registrar, state })
      // No event is defined for the end of a registration: that a REGISTER takes it back was told.
      if (state !== 'NOT_REGISTERED') raise[`E_REGISTRANT_${state}`]({ aor, contact: binding, registrar })
    }
    const services: RegistrationServices = {
      clock,
      log,
      tm: use('tm'),
      auth: use('uac_auth'),
      marginMs: params.timer_interval * 1000,
      entered: tell,
    }
    const registrant = new Registrant(services, params.failure_retry_interval * 1000)
    const load = async (): Promise<void> => {
      const url = host.db.urlOf(params.db_url)
      if (url === undefined) throw new Error('uac_registrant: db_url is not set')
      const columns: Partial<ColumnNames> = {
        registrar: params.registrar_column,
        proxy: params.proxy_column,
        aor: params.aor_column,
        third_party_registrant: params.third_party_registrant_column,
        username: params.username_column,
        password: params.password_column,
        binding_URI: params.binding_URI_column,
        binding_params: params.binding_params_column,
        expiry: params.expiry_column,
        forced_socket: params.forced_socket_column,
        cluster_shtag: params.cluster_shtag_column,
        state: params.state_column,
      }
      const { db: databases, proxy } = host
      registrant.replace(await loadRecords({ databases, url, table: params.table_name, columns, proxy, log }))
    }
    const found = (args: { aor: string; contact: string; registrar: string }): RegistrantRecord => {
      const record = registrant.find(args.aor, args.contact, args.registrar)
      if (record === undefined) throw new MiError(404, 'No such registrant')
      return record
    }
    return {
      commands: {
        list: () => ({ Records: [...registrant.all()].map(record => describe(record)) }),
        reload: async () => {
          try {
            await load()
          } catch (error) {
            throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
          }
          registrant.check()
          return 'OK'
        },
        enable: args => {
          registrant.enable(found(args))
          return 'OK'
        },
        disable: args => {
          registrant.disable(found(args))
          return 'OK'
        },
        force_register: args => {
          registrant.force(found(args))
          return 'OK'
        },
      },
      // Sockets that rows name are known from then on only.
      listening: async () => {
        await load()
        registrant.start(params.timer_interval * 1000)
      },
      drain: async () => registrant.stop(),
      stop: () => registrant.stop(),
    }
  },
)

function describe({ data, state, isEnabled, lastSentMs, dueMs }: RegistrantRecord): unknown {
  const date = (ms: number) => (ms === 0 ? '' : new Date(ms).toISOString())
  return {
    AOR: data.aor,
    expires: data.expiresS,
    state: `${state}_STATE`,
    enabled: isEnabled ? 'yes' : 'no',
    last_register_sent: date(lastSentMs),
    registration_t_out: date(dueMs),
    registrar: data.registrar,
    binding: data.binding,
    ...(data.bindingParams === '' ? {} : { binding_params: data.bindingParams }),
    ...(data.proxy === null ? {} : { proxy: data.proxy }),
    ...(data.thirdParty === null ? {} : { third_party_registrant: data.thirdParty }),
    ...(data.socket === null ? {} : { socket: data.socket.text }),
  }
}
