import Foundation
import HTTPTypes
import Hummingbird
import InstanceSegmentation

/// What the `roboflow` package asks before it predicts: is the key good, which workspace, which project, which versions.
/// Everything is answered from the folder of models; any workspace's name is accepted and given back.
struct WorkspaceRoutes: Sendable {
    let catalog: ModelCatalog
    let access: Access
    let scheme: String

    /// `POST /`.
    func checkKey(_ request: Request, _ log: inout RequestLog) async throws -> Response {
        struct Answer: Encodable {
            let welcome = "Silhouette"
            let workspace = "home"
        }
        _ = try await authorize(request, &log)
        return try .json(Answer())
    }

    /// `GET /{workspace}`.
    func workspace(_ slug: String, _ request: Request, _ log: inout RequestLog) async throws -> Response {
        let grant = try await authorize(request, &log)
        var projects: [Project] = []
        for dataset in datasets(grant) { projects.append(try await project(dataset, in: slug, grant)) }
        return try .json(["workspace": Workspace(slug: slug, projects: projects)])
    }

    /// `GET /{workspace}/{project}`.
    func project(_ dataset: String, in slug: String, _ request: Request, _ log: inout RequestLog) async throws
        -> Response
    {
        struct Answer: Encodable {
            let workspace: Workspace
            let project: Project
            let versions: [Version]
        }
        let grant = try await authorize(request, &log)
        var versions: [Version] = []
        for location in locations(of: dataset, grant) {
            versions.append(await version(location, in: slug, request))
        }
        return try .json(
            Answer(
                workspace: Workspace(slug: slug), project: try await project(dataset, in: slug, grant),
                versions: versions))
    }

    /// `GET /{workspace}/{project}/{version}`.
    func version(_ id: ModelID, in slug: String, _ request: Request, _ log: inout RequestLog) async throws -> Response {
        struct Answer: Encodable {
            let workspace: Workspace
            let project: Project
            let version: Version
        }
        let grant = try await authorize(request, &log)
        let location = try location(id, grant)
        return try .json(
            Answer(
                workspace: Workspace(slug: slug), project: try await project(id.dataset, in: slug, grant),
                version: await version(location, in: slug, request)))
    }

    /// `GET /{workspace}/{project}/{version}/v2/trainings` and `.../get`.
    func trainings(
        _ id: ModelID, isOne: Bool, _ request: Request, _ log: inout RequestLog
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
        let grant = try await authorize(request, &log)
        let name = try location(id, grant).id.description
        if isOne { return try .json(One(trainingId: name, models: [Model(modelId: name)])) }
        return try .json(["trainings": [Training(id: name, versionId: id.version, modelIds: [name])]])
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
        /// Left empty: with colours in it the package's drawing of a single prediction fails.
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

    private func datasets(_ grant: Access.Grant) -> [String] {
        var seen = Set<String>()
        return catalog.locations.map(\.id).filter(grant.allows).map(\.dataset).filter { seen.insert($0).inserted }
    }

    private func locations(of dataset: String, _ grant: Access.Grant) -> [ModelLocation] {
        catalog.locations.filter { $0.id.dataset == dataset && grant.allows($0.id) }
    }

    private func location(_ id: ModelID, _ grant: Access.Grant) throws -> ModelLocation {
        guard grant.allows(id) else {
            throw ServingError.unknownModel(id, served: catalog.locations.map(\.id).filter(grant.allows))
        }
        return try catalog.require(id, visible: grant.allows)
    }

    private func project(_ dataset: String, in slug: String, _ grant: Access.Grant) async throws -> Project {
        let versions = locations(of: dataset, grant)
        guard !versions.isEmpty else { throw ServingError.unknownProject(dataset, served: datasets(grant)) }
        var classes: [String: Int] = [:]
        for location in versions {
            for name in await classNames(location) { classes[name] = 0 }
        }
        let times = versions.map(\.modified)
        return Project(
            id: "\(slug)/\(dataset)", name: dataset, created: times.min() ?? 0, updated: times.max() ?? 0,
            annotation: dataset, versions: versions.count, classes: classes)
    }

    /// A model that cannot be opened has no classes; predicting with it says why.
    private func classNames(_ location: ModelLocation) async -> [String] {
        (try? await catalog.classNames(of: location.id)) ?? []
    }

    private func version(_ location: ModelLocation, in slug: String, _ request: Request) async -> Version {
        let name = location.id.description
        let host = request.head.authority ?? "127.0.0.1"
        return Version(
            id: "\(slug)/\(name)", name: location.id.version, created: location.modified,
            model: Version.Model(
                id: name, endpoint: "\(scheme)://\(host)/\(name)", start: location.modified, end: location.modified,
                classes: await classNames(location)),
            train: Version.Training(model: Version.Training.Model(id: name)))
    }

    private func authorize(_ request: Request, _ log: inout RequestLog) async throws -> Access.Grant {
        let early = try await access.earlyGrant(
            parameters: Parameters(query: request.uri.query), headers: request.headers, &log)
        return try await access.grant(early, or: nil, &log)
    }
}

extension ModelLocation {
    /// When the file was last written, in seconds since 1970.
    fileprivate var modified: Int {
        let date = try? file.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate
        return Int(date?.timeIntervalSince1970 ?? 0)
    }
}
