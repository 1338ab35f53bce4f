#pragma once
// A DB-SAM small enough to train within a second.

namespace tandem::test {

inline const char* const tinyNetwork =
    R"({"variant":"paper","preprocess":"focus","image_size":64,"patch_size":16,"in_chans":3,
 "embed_dim":16,"depth":2,"num_heads":2,"mlp_ratio":2.0,"use_rel_pos":false,"window_size":0,
 "global_attn_indexes":[0,1],"out_chans":16,"prompt":{"mask_in_chans":8},
 "decoder":{"depth":1,"num_heads":2,"mlp_dim":32,"attention_downsample_rate":2,"num_multimask_outputs":3,
 "iou_head_depth":2,"iou_head_hidden_dim":16},
 "adapter":{"num_heads":2,"n_points":2,"expand_ratio":1.0,"interaction_indexes":[[0,0],[1,1]],"levels":[1],
 "conv_widths":[8,8,16],"conv_layer_norm":true,"cab_position":"stage","cab_order":"before","cab_act":"none",
 "cross_pre_norm":false,"ffn":"mlp","fusion":"mask","fusion_reduction":4,"pre_neck_norm":false}})";

} // namespace tandem::test
