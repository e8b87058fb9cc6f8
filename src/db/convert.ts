import { DatabaseError } from './database-error.ts'
import type { ColumnSpec, ColumnType, DbValue } from './schema.ts'

const INTEGER = /^\s*[+-]?\d+\s*$/
const NUMBER = /^\s*[+-]?\d+(?:\.\d+)?\s*$/

/** The value as a column of this type holds it; null stays null. Undefined where it cannot be one. */
export function asColumnType(value: DbValue, type: ColumnType): DbValue | undefined {
  if (value === null) return null
  switch (type) {
    case 'any':
      return value
    case 'str':
    case 'blob':
      return String(value)
    case 'double':
      return asDouble(value)
    case 'bigint':
      return asBigInt(value)
    default:
      return asInteger(value)
  }
}

/** The value as a module that declared the column sees it. Throws DatabaseError E_DB_VALUE where it cannot be one. */
export function fromStored(value: DbValue, spec: ColumnSpec, column: string): DbValue {
  if (value === null && !spec.nullable) return spec.default ?? zeroOf(spec.type)
  const converted = asColumnType(value, spec.type)
  if (converted !== undefined) return converted
  throw new DatabaseError('E_DB_VALUE', `column ${column}: expected ${spec.type}, got ${JSON.stringify(String(value))}`)
}

function zeroOf(type: ColumnType): DbValue {
  if (type === 'str' || type === 'blob' || type === 'any') return ''
  return type === 'bigint' ? 0n : 0
}

function asDouble(value: string | number | bigint): number | undefined {
  if (typeof value === 'string' && !NUMBER.test(value)) return undefined
  return Number(value)
}

function asBigInt(value: string | number | bigint): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'string') return INTEGER.test(value) ? BigInt(value.replace('+', '')) : undefined
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined
}

function asInteger(value: string | number | bigint): number | undefined {
  if (typeof value === 'string' && !INTEGER.test(value)) return undefined
  const number = Math.trunc(Number(value))
  return Number.isSafeInteger(number) ? number : undefined
}
