import type { CommandDescription } from '../command-table.ts'
import { parseJson } from '../json-rpc.ts'
import type { ManagementInterface } from '../management-interface.ts'
import { MiError } from '../mi-error.ts'
import type { CommandRules } from '../permissions.ts'
import { commandPage, type HtmlSite, menuPage, messagePage, type Ran } from './html-pages.ts'
import { type HttpAnswer, type HttpRequest, httpCaller, isCrossSite } from './http.ts'

export interface HtmlDoorOptions extends HtmlSite {
  /** The method a command is run by. */
  readonly method: 'GET' | 'POST'
  readonly rules: CommandRules | null
}

/**
 * The management commands as pages for a browser (events reference §5.6): `/<root>` a menu, `/<root>/<module>` its commands,
 * `/<root>/<module>/<command>` a form; with `arg`, which is JSON or blank-separated words, the command is run.
 */
export class HtmlDoor {
  readonly #mi: ManagementInterface
  readonly #options: HtmlDoorOptions

  constructor(mi: ManagementInterface, options: HtmlDoorOptions) {
    this.#mi = mi
    this.#options = options
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const [group, local, ...rest] = request.path
    const commands = this.#visible(request)
    if (group === undefined) return page(200, menuPage(this.#options, commands, null))
    if (rest.length > 0 || !commands.some(command => command.group === group)) return this.#unknown()
    if (local === undefined) return page(200, menuPage(this.#options, commands, group))
    const command = commands.find(candidate => candidate.group === group && candidate.local === local)
    return command === undefined ? this.#unknown() : await this.#command(request, command, commands)
  }

  /** What this user may run. */
  #visible({ user }: HttpRequest): readonly CommandDescription[] {
    const rules = [this.#options.rules, user?.rules ?? null].filter(one => one !== null)
    return this.#mi.describe().filter(command => rules.every(one => one.allows(command)))
  }

  #unknown(): HttpAnswer {
    return page(406, messagePage(this.#options, 'There is no such page.'))
  }

  async #command(
    request: HttpRequest,
    command: CommandDescription,
    commands: readonly CommandDescription[],
  ): Promise<HttpAnswer> {
    const arg = argumentOf(request)
    if (arg === null) return page(200, commandPage(this.#options, commands, command, null))
    if (isCrossSite(request)) return page(403, messagePage(this.#options, 'Requests of other sites are refused.'))
    if (request.method !== this.#options.method)
      return page(500, messagePage(this.#options, `Commands are run by ${this.#options.method}.`))
    const ran = await this.#run(request, command, arg)
    return page(200, commandPage(this.#options, commands, command, ran))
  }

  async #run(request: HttpRequest, { name }: CommandDescription, arg: string): Promise<Ran> {
    try {
      const result = await this.#mi.call(name, paramsOf(arg), httpCaller('html', request, this.#options.rules))
      return { arg, text: JSON.stringify(result, null, 2), failed: false }
    } catch (error) {
      if (!(error instanceof MiError)) throw error
      const { code, message, data } = error
      return { arg, text: `${code} ${message}${data === undefined ? '' : `: ${data}`}`, failed: true }
    }
  }
}

/** The field `arg` of the form; null when the form was not sent. */
function argumentOf({ method, query, body }: HttpRequest): string | null {
  return method === 'POST' ? new URLSearchParams(body.toString('utf8')).get('arg') : query.get('arg')
}

/** An array or an object in JSON; else words. */
function paramsOf(arg: string): unknown {
  const text = arg.trim()
  if (/^[[{]/.test(text)) {
    const parsed = parseJson(text)
    if (parsed.ok) return parsed.value
  }
  return text === '' ? undefined : text.split(/\s+/)
}

const page = (status: number, body: string): HttpAnswer => ({
  status,
  contentType: 'text/html; charset=utf-8',
  body,
  headers: PROTECTION,
})

/** Nothing but our own style and forms; no other site may show the pages in its own. */
const PROTECTION = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}
