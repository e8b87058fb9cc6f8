import type { CommandDescription } from '../command-table.ts'
import { escapeXml as safe } from '../xml.ts'

/** What every page says. */
export interface HtmlSite {
  /** First segment of the path. */
  readonly root: string
  /** `fanfare 1.2.3 (x64/linux)`. */
  readonly version: string
  /** When the proxy started, in words. */
  readonly since: string
  readonly method: 'GET' | 'POST'
}

/** A command that was run from its form. */
export interface Ran {
  readonly arg: string
  readonly text: string
  readonly failed: boolean
}

const STYLE = `
body{font:15px/1.45 system-ui,sans-serif;margin:0;color:#1b2330;background:#fff}
header{padding:1rem 1.5rem;background:#eef3fa;border-bottom:1px solid #d3dfee}
h1{font-size:1.2rem;margin:0}header p{margin:.2rem 0 0;color:#52607a}
nav{padding:.6rem 1.5rem;border-bottom:1px solid #e4e9f1}nav a{margin-right:.9rem;white-space:nowrap}
main{padding:1rem 1.5rem;max-width:70rem}a{color:#1551b0}[aria-current]{font-weight:600;text-decoration:none}
table{border-collapse:collapse}td,th{padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top}
input{font:inherit;width:min(40rem,70vw);padding:.3rem}button{font:inherit;padding:.3rem .9rem}
pre{background:#f6f8fb;border:1px solid #e0e6ef;padding:.8rem;overflow:auto;white-space:pre-wrap}
pre.failed{background:#fdf2f1;border-color:#eec6c2}code{background:#f2f5f9;padding:0 .25rem}`

/** The menu of groups; below it the commands of one group, or nothing yet. */
export function menuPage(site: HtmlSite, commands: readonly CommandDescription[], group: string | null): string {
  if (group === null) return frame(site, commands, null, '<p>Choose a group of commands.</p>')
  const rows = commands
    .filter(command => command.group === group)
    .map(
      command => `<tr><td>${link(site, [group, command.local], command.local)}</td><td>${safe(command.doc)}</td></tr>`,
    )
  return frame(site, commands, group, `<h2>${safe(group)}</h2><table>${rows.join('')}</table>`)
}

/** The form of one command, with what came of it when it was run. */
export function commandPage(
  site: HtmlSite,
  commands: readonly CommandDescription[],
  command: CommandDescription,
  ran: Ran | null,
): string {
  const { name, doc, recipes } = command
  const action = path(site, [command.group, command.local])
  const forms = recipes.map(names => `<code>[${safe(names.join(', '))}]</code>`).join(' or ')
  const rows = command.args.map(
    a =>
      `<tr><td><code>${safe(a.name)}</code></td><td>${safe(a.kind)}${a.optional ? ', optional' : ''}</td><td>${safe(a.doc)}</td></tr>`,
  )
  const result = ran === null ? '' : `<h3>Result</h3><pre${ran.failed ? ' class="failed"' : ''}>${safe(ran.text)}</pre>`
  return frame(
    site,
    commands,
    command.group,
    `<h2>${safe(name)}</h2><p>${safe(doc)}</p><table>${rows.join('')}</table>
<form method="${site.method.toLowerCase()}" action="${action}"><p><label>Arguments, words or JSON${forms === '' ? '' : `: ${forms}`}<br>
<input name="arg" value="${safe(ran?.arg ?? '')}" autocomplete="off" autofocus></label> <button>Run</button></p></form>${result}`,
  )
}

/** A page that only says something. */
export const messagePage = (site: HtmlSite, message: string): string =>
  frame(site, [], null, `<p>${safe(message)}</p><p>${link(site, [], 'All commands')}</p>`)

function frame(
  site: HtmlSite,
  commands: readonly CommandDescription[],
  current: string | null,
  content: string,
): string {
  const groups = [...new Set(commands.map(({ group }) => group))]
  const menu = groups.map(group => link(site, [group], group, group === current)).join('\n')
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${safe(current ?? 'Management')} – ${safe(site.version)}</title><style>${STYLE}</style></head>
<body><header><h1>${link(site, [], 'Management')}</h1><p>${safe(site.version)}, running since ${safe(site.since)}</p></header>
<nav>${menu}</nav><main>${content}</main></body></html>
`
}

const path = ({ root }: HtmlSite, segments: readonly string[]): string =>
  safe(['', root, ...segments].map(encodeURIComponent).join('/'))

const link = (site: HtmlSite, segments: readonly string[], text: string, isCurrent = false): string =>
  `<a href="${path(site, segments)}"${isCurrent ? ' aria-current="page"' : ''}>${safe(text)}</a>`
