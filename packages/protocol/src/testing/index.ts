export { createModelStore, type ModelEvent, type ModelStore } from './model-store.js'
