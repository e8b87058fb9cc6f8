import type { Log } from '../../log/log.ts'
import { defineModule, type PvarHandler, type PvarSite, param } from '../../module/define.ts'
import type { PvarRef } from '../../script/args.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { parseXml } from './parse-xml.ts'
import { follow, nameIn, parsePath, type ResolvedStep, resolve, type XmlPath } from './path.ts'
import { isElement, textOf, writeXml, type XmlElement } from './xml-node.ts'

/** The documents of one running script, by name. */
const documents = messageSlot<Map<string, XmlElement>>()

/** XML documents of the running script. */
export default defineModule(
  {
    name: 'xml',
    doc: 'XML documents in scripts: read and changed by paths. They belong to the running script and begin as NULL.',
    params: {
      max_text_size: param('int', 1024, 'Longest text that is parsed.', { unit: 'KB' }),
    },
    pvars: {
      xml: {
        type: 'any',
        writable: true,
        inner: 'required',
        doc:
          'A document, `$xml(name)`; an element of it, `$xml(name/root/child[1])`; its text, `….val`; an attribute, ' +
          '`….attr/name`. The text of a document or of an element that is assigned is parsed: to an element it is added as its ' +
          'last child. NULL removes.',
      },
    },
  },
  ({ host, log, params }) => {
    const parts: Parts = {
      log,
      variable: text => host.script.variable(text),
      maxText: params.max_text_size * 1024,
    }
    return { pvars: { xml: site => xmlHandler(site, parts) } }
  },
)

interface Parts {
  readonly log: Log
  readonly variable: (text: string) => PvarRef
  readonly maxText: number
}

function xmlHandler(site: PvarSite, parts: Parts): PvarHandler {
  if (site.index.kind !== 'none') site.reject('write the index behind the name of an element: $xml(name/root/child[1])')
  const path = compile(site, parts)
  return {
    get: m => read(m, path),
    set: (m, value) => write(m, path, value, parts),
  }
}

function compile(site: PvarSite, { variable }: Parts): XmlPath {
  try {
    return parsePath(site.inner?.text ?? '', variable)
  } catch (error) {
    return site.reject(error instanceof Error ? error.message : String(error))
  }
}

function documentsOf(m: RouteContext): Map<string, XmlElement> {
  const known = documents.get(m)
  if (known !== undefined) return known
  const fresh = new Map<string, XmlElement>()
  documents.set(m, fresh)
  return fresh
}

function read(m: RouteContext, path: XmlPath): Value {
  const root = documentsOf(m).get(path.name)
  const steps = resolve(path, m)
  if (steps === null || root === undefined) return null
  const found = steps.length === 0 ? root : follow(root, steps)
  if (found === undefined) return null
  if (path.aspect.kind === 'element') return writeXml(found)
  if (path.aspect.kind === 'text') return textOf(found)
  return found.attributes.get(nameIn(path.aspect.name, m) ?? '') ?? null
}

function write(m: RouteContext, path: XmlPath, value: Value, parts: Parts): boolean {
  const all = documentsOf(m)
  const { name, aspect } = path
  const steps = resolve(path, m)
  if (steps === null) return refuse(parts, path)
  if (steps.length === 0 && aspect.kind === 'element') return writeDocument(all, name, value, parts)
  const element = steps.length === 0 ? all.get(name) : follow(all.get(name), steps)
  if (element === undefined) return value === null || refuse(parts, path)
  if (aspect.kind === 'text') return setText(element, value === null ? '' : String(value))
  if (aspect.kind === 'attribute') return setAttribute(element, nameIn(aspect.name, m), value) || refuse(parts, path)
  if (value === null) return removeElement(all, name, element, steps)
  const child = parsed(String(value), parts)
  if (child !== undefined) element.children.push(child)
  return child !== undefined
}

function writeDocument(all: Map<string, XmlElement>, name: string, value: Value, parts: Parts): boolean {
  if (value === null) return all.delete(name) || true
  const root = parsed(String(value), parts)
  if (root !== undefined) all.set(name, root)
  return root !== undefined
}

function setText(element: XmlElement, text: string): boolean {
  const elements = element.children.filter(node => isElement(node))
  element.children.splice(0, element.children.length, ...(text === '' ? [] : [text]), ...elements)
  return true
}

function setAttribute({ attributes }: XmlElement, name: string | null, value: Value): boolean {
  if (name === null || !/^[A-Za-z_:][\w:.-]*$/.test(name)) return false
  if (value === null) attributes.delete(name)
  else attributes.set(name, String(value))
  return true
}

function removeElement(
  all: Map<string, XmlElement>,
  name: string,
  element: XmlElement,
  steps: readonly ResolvedStep[],
): boolean {
  const parent = follow(all.get(name), steps.slice(0, -1))
  if (parent === undefined) all.delete(name)
  else parent.children.splice(parent.children.indexOf(element), 1)
  return true
}

/** The element a text says; undefined, with a line in the log, where it is no XML. */
function parsed(text: string, { log, maxText }: Parts): XmlElement | undefined {
  if (text.length > maxText) {
    log.often().error('an XML text is too long', { characters: text.length, max_text_size: maxText })
    return undefined
  }
  try {
    return parseXml(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    log.often().error('a text is no XML', { reason: error.message })
    return undefined
  }
}

function refuse({ log }: Parts, { name }: XmlPath): false {
  log.error('there is no place in the XML document to write to', { name })
  return false
}
