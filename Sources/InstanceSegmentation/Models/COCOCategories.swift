/// The categories of COCO by their numbers, which have gaps.
enum COCOCategories {
    static let names: [Int: String] = {
        let groups: [(first: Int, names: String)] = [
            (1, "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant"),
            (13, "stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe"),
            (27, "backpack,umbrella"),
            (31, "handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat"),
            (40, "baseball glove,skateboard,surfboard,tennis racket,bottle"),
            (
                46,
                "wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut"
            ),
            (61, "cake,chair,couch,potted plant,bed"), (67, "dining table"), (70, "toilet"),
            (72, "tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator"),
            (84, "book,clock,vase,scissors,teddy bear,hair drier,toothbrush"),
        ]
        return Dictionary(
            uniqueKeysWithValues: groups.flatMap { group in
                group.names.split(separator: ",").enumerated().map { (group.first + $0.offset, String($0.element)) }
            })
    }()
    /// The same names without gaps, in their order.
    static let contiguous: [String] = names.sorted { $0.key < $1.key }.map(\.value)
}
