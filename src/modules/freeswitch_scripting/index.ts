import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, field, optional, optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { Step } from '../../script/context.ts'
import { FREESWITCH_TABLE, loadUrls, Subscriptions } from './subscriptions.ts'

const columnParam = (name: string) => param('str', name, 'Name of the column.')
const url = arg('freeswitch_url', 'str', 'The server, `[fs://][[user]:password@]host[:port]`.')
const events = (doc: string) => arg('events', 'list', doc)

/** Events of FreeSWITCH servers for scripts, and commands to them (freeswitch_scripting reference). */
export default defineModule(
  {
    name: 'freeswitch_scripting',
    doc: 'Raises the events of FreeSWITCH servers and sends commands to the servers.',
    depends: ['freeswitch'],
    tables: [FREESWITCH_TABLE],
    params: {
      db_url: optionalParam('str', 'Database with servers; db_default_url if absent.'),
      db_table: param('str', 'freeswitch', 'Table with the servers.'),
      db_col_username: columnParam('username'),
      db_col_password: columnParam('password'),
      db_col_ip: columnParam('ip'),
      db_col_port: columnParam('port'),
      db_col_events: columnParam('events_csv'),
      fs_subscribe: repeatedParam('str', 'A server and its events, `fs://:password@host[:port]?EVENT,EVENT`.'),
    },
    functions: {
      freeswitch_esl: {
        args: [
          arg('command', 'str', 'The command, without empty lines.'),
          arg('freeswitch_url', 'str', 'The server; without a password one that is known.'),
          optional(arg('output', 'var', 'Gets the answer.')),
        ],
        routes: 'any',
        async: true,
        returns: '1 answered, be it with an error; −1 not',
        doc: 'Sends a command to a FreeSWITCH server and waits for the answer.',
      },
    },
    events: {
      E_FREESWITCH: {
        doc: 'A FreeSWITCH server has sent an event that was subscribed to.',
        fields: {
          name: field('str', 'Its name; `CUSTOM` for events of FreeSWITCH modules.'),
          sender: field('str', 'IP address of the server.'),
          body: field('str', 'The whole event, JSON.'),
        },
      },
    },
    commands: {
      subscribe: {
        args: [url, events('Names of events to subscribe to.')],
        variadic: true,
        aliases: ['fs_subscribe'],
        doc: 'subscribes to events of a FreeSWITCH server',
      },
      unsubscribe: {
        args: [url, events('Names of events to unsubscribe from.')],
        variadic: true,
        aliases: ['fs_unsubscribe'],
        doc: 'unsubscribes from events of a FreeSWITCH server; without any left it is disconnected',
      },
      list: { args: [], aliases: ['fs_list'], doc: 'lists FreeSWITCH servers and the events subscribed to' },
      reload: {
        args: [],
        aliases: ['fs_reload'],
        doc: 'puts the servers of the database in the place of all there are',
      },
    },
  },
  ({ host, log, params, raise, use }) => {
    const api = use('freeswitch')
    const subscriptions = new Subscriptions(api, event => raise.E_FREESWITCH(event))
    for (const text of params.fs_subscribe) api.parse(text)
    const load = async (): Promise<readonly string[] | null> => {
      const source = host.db.urlOf(params.db_url || undefined)
      if (source === undefined) return null
      const columns = {
        username: params.db_col_username,
        password: params.db_col_password,
        ip: params.db_col_ip,
        port: params.db_col_port,
        events_csv: params.db_col_events,
      }
      return loadUrls({ databases: host.db, url: source, table: params.db_table, columns }, api, log)
    }
    return {
      functions: {
        freeswitch_esl: (command, to, output) =>
          commandStep(command, to, output, async (text, server) => {
            try {
              const held = api.hold(server, () => {})
              const answer = await held.command(text)
              held.release()
              return answer
            } catch (error) {
              log.often().error('a command was not sent to FreeSWITCH', { reason: messageOf(error) })
              return null
            }
          }),
      },
      commands: {
        subscribe: args => {
          answering(() => subscriptions.add(args.freeswitch_url, args.events.map(String)))
          return 'OK'
        },
        unsubscribe: args => {
          if (!answering(() => subscriptions.remove(args.freeswitch_url, args.events.map(String))))
            throw new MiError(404, 'No such FreeSWITCH server')
          return 'OK'
        },
        list: () => ({ Sockets: subscriptions.list() }),
        reload: async () => {
          try {
            const urls = await load()
            if (urls === null) throw new Error('db_url is not set')
            subscriptions.replace(urls)
          } catch (error) {
            throw new MiError(500, 'Failed to reload', messageOf(error))
          }
          return 'OK'
        },
      },
      start: async () => {
        // A default database need not have the table: only what is asked for must be there.
        const urls = params.db_url ? await load() : null
        for (const text of [...(urls ?? []), ...params.fs_subscribe]) subscriptions.add(text)
      },
      stop: () => subscriptions.replace([]),
    }
  },
)

function commandStep(
  command: Arg<string>,
  to: Arg<string>,
  output: Arg<PvarRef> | undefined,
  ask: (text: string, server: string) => Promise<string | null>,
): Step {
  return async m => {
    const answer = await ask(command.read(m), to.read(m))
    if (answer === null) return -1
    return output === undefined || output.read(m).set(m, answer, true) ? 1 : -1
  }
}

/** Runs what a management command asks for; faults of its arguments become its error. */
function answering<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new MiError(400, 'Bad parameter value', messageOf(error))
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
