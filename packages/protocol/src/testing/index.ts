export { createModelStore, type ModelBatchResult, type ModelEvent, type ModelStore } from './model-store.js'
