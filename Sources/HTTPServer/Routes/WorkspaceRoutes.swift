import Foundation
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import Serving

/// What the `roboflow` package asks before it predicts: is the key good, which workspace, which project, which versions.
/// Everything is answered from the folder of models; any workspace's name is accepted and returned.
struct WorkspaceRoutes: Sendable {
    let pool: ModelPool
    let access: RequestAccess
    let answers: AnswerBodies
    let scheme: String

    /// `POST /`.
    func checkKey(_ request: Request, _ context: ServerContext) async throws -> Response {
        struct Answer: Encodable {
            let welcome = "Silhouette"
            let workspace = "home"
        }
        return try answers.json(Answer(), try await authorize(request, context), context)
    }

    /// `GET /{workspace}`.
    func workspace(_ slug: String, _ request: Request, _ context: ServerContext) async throws -> Response {
        let grant = try await authorize(request, context)
        var datasets: [String] = []
        var versions: [String: [ModelEntry]] = [:]
        for entry in pool.repository.index.entries where grant.allows(entry.id) {
            if versions[entry.id.dataset] == nil { datasets.append(entry.id.dataset) }
            versions[entry.id.dataset, default: []].append(entry)
        }
        let projects = datasets.map { project($0, in: slug, versions: versions[$0] ?? []) }
        return try answers.json(["workspace": Workspace(slug: slug, projects: projects)], grant, context)
    }

    /// `GET /{workspace}/{project}`.
    func project(_ dataset: String, in slug: String, _ request: Request, _ context: ServerContext) async throws
        -> Response
    {
        struct Answer: Encodable {
            let workspace: Workspace
            let project: Project
            let versions: [Version]
        }
        let grant = try await authorize(request, context)
        var versions: [Version] = []
        for entry in entries(of: dataset, grant) {
            versions.append(version(entry, in: slug, request))
        }
        return try answers.json(
            Answer(
                workspace: Workspace(slug: slug), project: try project(dataset, in: slug, grant),
                versions: versions), grant, context)
    }

    /// `GET /{workspace}/{project}/{version}`.
    func version(_ id: ModelID, in slug: String, _ request: Request, _ context: ServerContext) async throws -> Response
    {
        struct Answer: Encodable {
            let workspace: Workspace
            let project: Project
            let version: Version
        }
        let grant = try await authorize(request, context)
        let entry = try entry(id, grant)
        return try answers.json(
            Answer(
                workspace: Workspace(slug: slug), project: try project(id.dataset, in: slug, grant),
                version: version(entry, in: slug, request)), grant, context)
    }

    /// `GET /{workspace}/{project}/{version}/v2/trainings` and `.../get`.
    func trainings(
        _ id: ModelID, isOne: Bool, _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        struct Training: Encodable {
            let id: String
            let versionId: String
            let status = "finished"
            let modelType = "yolov11n-seg"
            let modelIds: [String]
        }
        struct Model: Encodable {
            let modelId: String
            let modelType = "yolov11n-seg"
        }
        struct One: Encodable {
            let trainingId: String
            let status = "finished"
            let modelType = "yolov11n-seg"
            let modelCount = 1
            let models: [Model]
        }
        let grant = try await authorize(request, context)
        let name = try entry(id, grant).id.description
        if isOne {
            return try answers.json(One(trainingId: name, models: [Model(modelId: name)]), grant, context)
        }
        return try answers.json(
            ["trainings": [Training(id: name, versionId: id.version, modelIds: [name])]], grant, context)
    }

    // MARK: What the package reads

    private struct Workspace: Encodable {
        let name: String
        let url: String
        let members = 1
        var projects: [Project]?

        init(slug: String, projects: [Project]? = nil) {
            name = slug.prefix(1).uppercased() + slug.dropFirst()
            url = slug
            self.projects = projects
        }
    }

    private struct Splits: Encodable {
        let train = 1
        let valid = 0
        let test = 0
    }

    private struct Empty: Encodable {}

    private struct Project: Encodable {
        let id: String
        let type = "instance-segmentation"
        let name: String
        let created: Int
        let updated: Int
        let images = 1
        let unannotated = 0
        let annotation: String
        let versions: Int
        let `public` = false
        let splits = Splits()
        /// Left empty: with colors in it the package's drawing of a single prediction fails.
        let colors = Empty()
        let classes: [String: Int]
    }

    private struct Version: Encodable {
        struct Model: Encodable {
            let id: String
            let endpoint: String
            let start: Int
            let end: Int
            let map = "0"
            let precision = "0"
            let recall = "0"
            /// Names by class index; the package does not read them, the scripts for browsers do.
            let classes: [String]
        }
        struct Training: Encodable {
            struct Model: Encodable { let id: String }
            let status = "finished"
            let model: Model
        }
        let id: String
        let name: String
        let created: Int
        let images = 1
        let splits = Splits()
        let preprocessing = Empty()
        let augmentation = Empty()
        let exports: [String] = []
        let generating = false
        let progress = 1
        let model: Model
        let train: Training
    }

    // MARK: From the folder of models

    private func datasets(_ grant: Grant) -> [String] {
        var seen = Set<String>()
        return pool.repository.index.ids.filter(grant.allows).map(\.dataset).filter { seen.insert($0).inserted }
    }

    private func entries(of dataset: String, _ grant: Grant) -> [ModelEntry] {
        pool.repository.index.entries.filter { $0.id.dataset == dataset && grant.allows($0.id) }
    }

    private func entry(_ id: ModelID, _ grant: Grant) throws -> ModelEntry {
        let index = pool.repository.index
        guard grant.allows(id), let entry = index[id] else {
            throw ServiceError.unknownModel(id, served: index.ids.filter(grant.allows))
        }
        return entry
    }

    private func project(_ dataset: String, in slug: String, _ grant: Grant) throws -> Project {
        let versions = entries(of: dataset, grant)
        guard !versions.isEmpty else { throw RequestError.unknownProject(dataset, served: datasets(grant)) }
        return project(dataset, in: slug, versions: versions)
    }

    private func project(_ dataset: String, in slug: String, versions: [ModelEntry]) -> Project {
        var classes: [String: Int] = [:]
        for entry in versions {
            for name in entry.classNames { classes[name] = 0 }
        }
        let times = versions.map(\.modifiedSeconds)
        return Project(
            id: "\(slug)/\(dataset)", name: dataset, created: times.min() ?? 0, updated: times.max() ?? 0,
            annotation: dataset, versions: versions.count, classes: classes)
    }

    private func version(_ entry: ModelEntry, in slug: String, _ request: Request) -> Version {
        let name = entry.id.description
        let host = request.head.authority ?? "127.0.0.1"
        let modified = entry.modifiedSeconds
        return Version(
            id: "\(slug)/\(name)", name: entry.id.version, created: modified,
            model: Version.Model(
                id: name, endpoint: "\(scheme)://\(host)/\(name)", start: modified, end: modified,
                classes: entry.classNames),
            train: Version.Training(model: Version.Training.Model(id: name)))
    }

    private func authorize(_ request: Request, _ context: ServerContext) async throws -> Grant {
        try await access.grant(request, context)
    }
}

extension ModelEntry {
    /// When the file was last written, in whole seconds since 1970.
    fileprivate var modifiedSeconds: Int { Int(exactly: modified?.timeIntervalSince1970.rounded(.down) ?? 0) ?? 0 }

    /// Names by class index; none where the header cannot be used. Predicting with the model tells why.
    fileprivate var classNames: [String] { if case .read(let metadata) = metadata { metadata.classNames } else { [] } }
}
